"""One stand-in: the honest answers of a registry with these manners, and what scenes make of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.fakes.exchange import Request, Response
from tests.truth.standins.asking import Asked, understand
from tests.truth.standins.content import Repository
from tests.truth.standins.manner import WITHOUT_ACCESS, Manner, is_public, is_right

Twist = Callable[[Asked, Response], Response]
"""Makes another answer of the honest one."""
_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")


class StandIn:
    """Answers for one registry, at whatever name it is asked."""

    def __init__(self, host: str, manner: Manner) -> None:
        self.host = host
        self.repositories: dict[str, Repository] = {}
        self.twists: dict[str, Twist] = {}
        """By repository."""
        self.turns: Counter[str] = Counter()
        """By repository, how many tenants of the webhook are done with it."""
        self._manner = manner

    def answer(self, request: Request) -> Response:
        asked = understand(request)
        if not asked.is_node:
            asked = replace(asked, turn=self.turns[asked.repository])
        twist = self.twists.get(asked.repository, _honest)
        return twist(asked, self._answer(asked))

    def _answer(self, asked: Asked) -> Response:
        match asked.role:
            case "token":
                return self._grant(asked)
            case "version":
                return self._refusal(asked) or Response.of_json(200, {}, _VERSION)
            case "manifest" | "blob":
                return self._refusal(asked) or self._serve(asked)
            case _:
                return Response(404, (("Content-Type", "text/plain; charset=utf-8"),), b"404 page not found\n")

    def _serve(self, asked: Asked) -> Response:
        found = self.repositories.get(asked.repository)
        if found is None:
            return error(404, self._manner.absent_repository, "repository name not known to registry")
        if asked.role == "blob":
            blob = found.blobs.get(asked.wanted)
            if blob is None:
                return error(404, "BLOB_UNKNOWN", "blob unknown to registry")
            return Response(200, (("Content-Type", "application/octet-stream"), _VERSION), blob.body)
        manifest = found.manifests.get(asked.wanted) or found.tags.get(asked.wanted)
        if manifest is None:
            return error(404, self._manner.absent_tag, "manifest unknown")
        digest = asked.wanted if ":" in asked.wanted else manifest.digest
        named = (("Content-Type", manifest.media_type), ("Docker-Content-Digest", digest), _VERSION)
        return Response(200, named, manifest.body)

    def _may_read(self, user: str, repository: str) -> bool:
        if self._manner.hides_absent and repository not in self.repositories:
            return False
        return is_public(repository) or user not in WITHOUT_ACCESS

    def _refusal(self, asked: Asked) -> Response | None:
        manner, repository = self._manner, asked.repository
        if manner.login == "none" or (manner.is_public_open and self._may_read("", repository)):
            return None
        if manner.login == "basic":
            return self._refuse_password(asked)
        if asked.request.authorization_kind != "bearer":
            return self._challenge(asked, *manner.challenges)
        _, _, granted = asked.request.bearer.partition("~")
        if granted == repository:
            return None
        return self._challenge(asked, manner.second_challenge or manner.challenges[0] + ',error="insufficient_scope"')

    def _refuse_password(self, asked: Asked) -> Response | None:
        login = asked.request.login
        if login is None or not is_right(login):
            return self._challenge(asked, 'Basic realm="registry"')
        if self._may_read(login[0], asked.repository):
            return None
        if self._manner.forbidden == 401:
            return self._challenge(asked, 'Basic realm="registry"')
        return error(self._manner.forbidden, "DENIED", "requested access to the resource is denied")

    def _challenge(self, asked: Asked, *lines: str) -> Response:
        words = {"realm": self._manner.realm, "service": self._manner.service, "repository": asked.repository}
        headers = (("Www-Authenticate", line.format(**words)) for line in lines)
        return error(401, "UNAUTHORIZED", "authentication required", *headers)

    def _grant(self, asked: Asked) -> Response:
        manner, login = self._manner, asked.request.login
        if asked.request.method == "POST" and manner.post != 200:
            return error(manner.post, "UNSUPPORTED", "the operation is unsupported")
        if login is not None and not is_right(login):
            return error(manner.rejected, "DENIED", "incorrect username or password")
        user = login[0] if login else ""
        may_read = self._may_read(user, asked.repository)
        status = 200 if may_read else manner.denied if user else manner.anonymous
        if status != 200:
            return error(status, "DENIED", "requested access to the resource is denied")
        token = f"{user}~{asked.repository if may_read else ''}"
        return Response.of_json(200, dict.fromkeys(manner.fields, token) | {"expires_in": 300})


def error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Response:
    """A registry's error document."""
    return Response.of_error(status, code, message, None, _VERSION, *headers)


def _honest(_: Asked, honest: Response) -> Response:
    return honest
