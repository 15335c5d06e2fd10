"""What scenes make of honest answers: each function gives a twist, and several can be put together."""

from collections import Counter
from collections.abc import Callable

from tests.fakes.exchange import Response
from tests.truth.standins.asking import Asked, Role
from tests.truth.standins.manner import BEARER
from tests.truth.standins.registry import Twist, error

HTML = Response(200, (("Content-Type", "text/html; charset=utf-8"),), b"<html><body>Sign in</body></html>\n")


def both(*twists: Twist) -> Twist:
    """One after the other."""

    def twist(asked: Asked, answer: Response) -> Response:
        for each in twists:
            answer = each(asked, answer)
        return answer

    return twist


def on(role: Role, answer: Response, *, method: str = "", is_by_tag: bool | None = None) -> Twist:
    """Another answer to requests of a role, of a method, by tag (or by digest) where that is asked."""

    def twist(asked: Asked, honest: Response) -> Response:
        concerns = asked.role == role and method in ("", asked.request.method)
        fits = is_by_tag is None or is_by_tag == (":" not in asked.wanted)
        return answer if concerns and fits else honest

    return twist


def status(code: int, *, method: str = "") -> Twist:
    """A status for manifests, with a registry's error document."""
    return on("manifest", error(code, "UNKNOWN", "of the scene"), method=method)


def header(name: str, value: str | None, *, method: str = "", role: Role = "manifest") -> Twist:
    """Another value of a header, or none, in good answers."""

    def twist(asked: Asked, honest: Response) -> Response:
        if asked.role != role or honest.status != 200 or method not in ("", asked.request.method):
            return honest
        kept = tuple(each for each in honest.headers if each[0].lower() != name.lower())
        return Response(honest.status, kept if value is None else (*kept, (name, value)), honest.body)

    return twist


def challenge(*lines: str) -> Twist:
    """Other challenges; `{repository}` may stand in them, and everything that `BEARER` has."""

    def twist(asked: Asked, honest: Response) -> Response:
        if honest.status != 401 or asked.role == "token":
            return honest
        words = {"repository": asked.repository}
        return error(
            401, "UNAUTHORIZED", "of the scene", *(("Www-Authenticate", line.format(**words)) for line in lines)
        )

    return twist


def realm(url: str) -> Twist:
    """The usual challenge with another realm."""
    return challenge(BEARER.replace("{realm}", url).replace("{service}", "registry"))


def redirect(location: str, *, code: int = 307, roles: tuple[Role, ...] = ("manifest",)) -> Twist:
    """A redirect; `{path}` in the location stands for the request's own."""

    def twist(asked: Asked, honest: Response) -> Response:
        moved = Response(code, (("Location", location.format(path=asked.request.path)),))
        return moved if asked.role in roles else honest

    return twist


def at(host: str, twist: Twist) -> Twist:
    """A twist for requests to one of the stand-in's names."""
    return lambda asked, honest: twist(asked, honest) if asked.request.host == host else honest


def times(count: int, twist: Twist) -> Twist:
    """A twist for the first requests of each side, and of each tenant, that it would concern; then honest."""
    seen: Counter[tuple[bool, int]] = Counter()

    def first(asked: Asked, honest: Response) -> Response:
        twisted = twist(asked, honest)
        asker = (asked.is_node, asked.turn)
        if twisted is honest or seen[asker] >= count:
            return honest
        seen[asker] += 1
        return twisted

    return first


def token(answer: Response, *, method: str = "") -> Twist:
    """Another answer of the token server."""
    return on("token", answer, method=method)


def of_token(change: Callable[[str], object]) -> Twist:
    """Another document of the token server, made of the honest token."""

    def twist(asked: Asked, honest: Response) -> Response:
        if asked.role != "token" or honest.status != 200:
            return honest
        login = asked.request.login
        return Response.of_json(200, change(f"{login[0] if login else ''}~{asked.repository}"))

    return twist


def chunked() -> Twist:
    """Manifests whose length no header tells."""

    def twist(asked: Asked, honest: Response) -> Response:
        if asked.role != "manifest" or honest.status != 200:
            return honest
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(honest.body), honest.body)
        return Response(200, (*honest.headers, ("Transfer-Encoding", "chunked")), body)

    return twist
