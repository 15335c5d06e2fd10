"""What token servers answer, and what registries make of their tokens."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.exchange import Fault, Request, Response
from tests.truth.scenes import reasons
from tests.truth.scenes.scene import TOO_SLOW_SECONDS, Scene, alone, scene
from tests.truth.scenes.secrets import BAD, RIGHT
from tests.truth.standins.asking import Asked, understand
from tests.truth.standins.brands import SAME_DOMAIN, TOKEN
from tests.truth.standins.registry import Twist, error
from tests.truth.standins.twists import HTML, at, both, of_token, redirect, times, token

_URL = f"https://{TOKEN}/token"


def _with(**fields: object) -> Callable[[str], object]:
    return lambda text: {"access_token": text, "token": text, **fields}


def _created(asked: Asked, honest: Response) -> Response:
    return Response(201, honest.headers, honest.body) if asked.role == "token" and honest.status == 200 else honest


_ANSWERS: dict[str, tuple[str, Twist]] = {
    "token-alone": ("token alone, no access_token", of_token(lambda text: {"token": text})),
    "access-alone": ("access_token alone", of_token(lambda text: {"access_token": text})),
    "two-tokens": ("another token beside a good access_token", of_token(_with(token="x~y"))),
    "capital-fields": ("fields in capitals", of_token(lambda text: {"Access_Token": text, "Token": text})),
    "expires-text": ("expires_in as text", of_token(_with(expires_in="300"))),
    "expires-fraction": ("expires_in with a fraction", of_token(_with(expires_in=300.5))),
    "expires-null": ("expires_in is null", of_token(_with(expires_in=None))),
    "issued-bad": ("issued_at that is no time", of_token(_with(issued_at="today"))),
    "no-token": ("an empty object", of_token(lambda _: {})),
    "list": ("a list", of_token(lambda text: [text])),
    "empty": ("nothing", token(Response(200))),
    "html": ("a web page with 200", token(HTML)),
    "html-401": ("a web page with 401", token(Response(401, HTML.headers, HTML.body))),
    "status-201": ("201", both(of_token(_with()), _created)),
    "status-403": ("403", token(error(403, "DENIED", "no"))),
    "status-404": ("404", token(error(404, "UNKNOWN", "no"))),
    "status-429": ("429", token(error(429, "TOOMANYREQUESTS", "no"))),
    "status-500": ("500", token(error(500, "UNKNOWN", "no"))),
    "status-503": ("503", token(error(503, "UNAVAILABLE", "no"))),
}
_TROUBLES = frozenset({"status-429", "status-503"})
"""What has a token server left alone."""
_POST_STATUSES = (400, 401, 403, 404, 405, 415, 500)


def scenes() -> Iterator[Scene]:
    for name, (title, twist) in _ANSWERS.items():
        write = alone if name in _TROUBLES else scene
        yield write(f"token-{name}", title, TOKEN, RIGHT, twist=twist)
        yield write(f"token-public-{name}", f"public: {title}", TOKEN, at="public", twist=twist)
    for code in _POST_STATUSES:
        refused = token(error(code, "UNSUPPORTED", "not this way"), method="POST")
        yield scene(f"token-post-{code}", f"POST gets {code}", TOKEN, RIGHT, twist=refused)
        yield scene(f"token-post-{code}-wrong", f"POST gets {code}, a wrong password", TOKEN, BAD, twist=refused)
    firewall = token(error(403, "DENIED", "client with IP 10.1.2.3 is not allowed"))
    yield scene("token-firewall", "403 for this address", TOKEN, RIGHT, twist=firewall, silence=reasons.FIREWALL)
    yield from _moved()
    yield from _troubled()
    yield from _refused()


def _moved() -> Iterator[Scene]:
    for code, why in ((302, ""), (307, reasons.WITHHELD)):
        moved = at(TOKEN, redirect(f"https://{SAME_DOMAIN}/token", code=code, roles=("token",)))
        title = f"redirects to another host with {code}"
        yield scene(f"token-moved-{code}", title, TOKEN, RIGHT, twist=moved, doubt=why, differs=why)
    stays = at(TOKEN, times(1, redirect(f"https://{TOKEN}/other-token", roles=("token",))))
    yield scene("token-moved-here", "redirects within its host with 307", TOKEN, RIGHT, twist=stays)


def _troubled() -> Iterator[Scene]:
    dropped = _on_token("token-dropped", is_dropped=True)
    yield alone("token-dropped", "closes the connection", TOKEN, RIGHT, faults=(dropped,))
    slow, why = _on_token("token-slow", delay_seconds=TOO_SLOW_SECONDS), reasons.SLOW
    title = f"takes {TOO_SLOW_SECONDS:g} s"
    yield alone("token-slow", title, TOKEN, RIGHT, faults=(slow,), doubt=why, differs=why)


def _refused() -> Iterator[Scene]:
    stale = _refuse_token(',error="invalid_token"')
    title = "the first token is refused as invalid"
    yield scene("token-stale-once", title, TOKEN, RIGHT, twist=times(1, stale), heals=True)
    yield scene("token-stale", "every token is refused as invalid", TOKEN, RIGHT, twist=stale)
    yield scene("token-refused", "every token is refused without a reason", TOKEN, RIGHT, twist=_refuse_token(""))


def _on_token(name: str, **what: Any) -> Fault:
    def concerns(request: Request) -> bool:
        asked = understand(request)
        return asked.role == "token" and asked.repository.endswith(f"/{name}")

    return Fault(is_for=concerns, **what)


def _refuse_token(reason: str) -> Twist:
    def twist(asked: Asked, honest: Response) -> Response:
        if not asked.request.bearer:
            return honest
        line = f'Bearer realm="{_URL}",service="registry",scope="repository:{asked.repository}:pull"{reason}'
        return error(401, "UNAUTHORIZED", "no", ("Www-Authenticate", line))

    return twist
