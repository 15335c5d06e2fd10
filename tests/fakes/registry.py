"""A private registry of ours, on real sockets: what docker-registry answers, and what honest servers will not do."""

import re
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

from tests.fakes.exchange import Request, Response
from tests.fakes.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Blob, Image
from tests.fakes.listener import Listener
from tests.fakes.tokens import TokenServer

Kind = Literal["challenge", "token", "manifest", "tags", "version", "other"]
"""Why a request was made: `challenge` is a manifest request without a login that was answered 401."""
TOKEN_PATH = "/token"
_NAME = r"(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
_MANIFEST = re.compile(rf"/v2/{_NAME}/manifests/(?P<wanted>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}|sha256:[0-9a-f]{{64}})")
_TAGS = re.compile(rf"/v2/{_NAME}/tags/list")
_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
_JSON = ("Content-Type", "application/json; charset=utf-8")
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")
_UNSUPPORTED = {
    OCI_INDEX: (404, "MANIFEST_UNKNOWN", "OCI index found, but accept header does not support OCI indexes"),
    OCI_MANIFEST: (404, "MANIFEST_UNKNOWN", "OCI manifest found, but accept header does not support OCI manifests"),
    DOCKER_LIST: (400, "MANIFEST_INVALID", "manifest invalid"),
    DOCKER_MANIFEST: (400, "MANIFEST_INVALID", "manifest invalid"),
}


class FakeRegistry(Listener):
    """Holds images by name. Open, unless given `basic` accounts or a token server.

    Args:
        basic: Username -> password, asked for by Basic.
        tokens: The token server whose tokens are asked for; served here under `/token` unless `realm` points elsewhere.
        realm: The realm of the challenge; empty: our own `/token`.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        basic: Mapping[str, str] | None = None,
        tokens: TokenServer | None = None,
        realm: str = "",
    ) -> None:
        super().__init__(self._route, tls=tls, host=host, port=port)
        self.tokens = tokens
        self.realm = realm
        self.challenges: Callable[[str], list[str]] | None = None
        """The WWW-Authenticate lines for a repository, where they shall not be the honest ones."""
        self._logins = TokenServer(accounts=basic) if basic is not None else None
        self._tags: dict[str, dict[str, Blob]] = {}
        self._manifests: dict[str, dict[str, Blob]] = {}

    def add(self, name: str, image: Image) -> str:
        """Store an image under `path/to/repository:tag`; returns its digest."""
        repository, _, tag = name.partition(":")
        self._tags.setdefault(repository, {})[tag] = image.manifest
        for one in (image, *image.children):
            self._manifests.setdefault(repository, {})[one.digest] = one.manifest
        return image.digest

    def holds(self, repository: str) -> bool:
        return repository in self._tags

    def counts(self) -> Counter[Kind]:
        """How many requests were answered, by why they were made."""
        return Counter(_kind(request, status) for request, status in list(self.answered))

    def forget(self) -> None:
        """Count and record from nothing again."""
        self.requests.clear()
        self.answered.clear()

    def _route(self, request: Request) -> Response:
        if request.path == TOKEN_PATH and self.tokens is not None:
            return self.tokens.answer(request)
        if request.path == "/v2/":
            return self._refusal(request, "") or Response(200, (_JSON, _VERSION), b"{}")
        if found := _MANIFEST.fullmatch(request.path):
            return self._refusal(request, found["name"]) or self._manifest(request, found["name"], found["wanted"])
        if found := _TAGS.fullmatch(request.path):
            return self._refusal(request, found["name"]) or self._tag_list(request, found["name"])
        return Response(404, (_PLAIN, _VERSION), b"404 page not found\n")

    def _manifest(self, request: Request, name: str, wanted: str) -> Response:
        is_digest = wanted.startswith("sha256:")
        manifest = (self._manifests if is_digest else self._tags).get(name, {}).get(wanted)
        if manifest is None:
            detail = {"Name": name, "Revision": wanted} if is_digest else {"Tag": wanted}
            return _registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown", detail)
        if request.header("If-None-Match") == f'"{manifest.digest}"':
            return Response(304)
        if manifest.media_type in _UNSUPPORTED and manifest.media_type not in request.header("Accept"):
            return _registry_error(*_UNSUPPORTED[manifest.media_type], {})
        named = (("Content-Type", manifest.media_type), ("Docker-Content-Digest", manifest.digest))
        return Response(200, (*named, _VERSION, ("Etag", f'"{manifest.digest}"')), manifest.body)

    def _tag_list(self, request: Request, name: str) -> Response:
        if request.method != "GET":
            return Response(405, (_PLAIN, _VERSION, ("Allow", "GET")), b"Method Not Allowed\n")
        if name not in self._tags:
            message = "repository name not known to registry"
            return _registry_error(404, "NAME_UNKNOWN", message, {"name": name})
        return Response.of_json(200, {"name": name, "tags": list(self._tags[name])}, _VERSION)

    def _refusal(self, request: Request, name: str) -> Response | None:
        """What somebody is answered who may not read the repository, or (name empty) use the registry at all."""
        if self._logins is not None:
            is_welcome = request.login is not None and self._logins.knows(request.login)
            return None if is_welcome else self._challenge(name, ['Basic realm="basic-realm"'])
        if self.tokens is None:
            return None
        if not request.bearer:
            return self._challenge(name, [self._bearer_challenge(name)])
        grant = self.tokens.grants.get(request.bearer)
        if grant is None:
            return self._challenge(name, [self._bearer_challenge(name, "invalid_token")])
        if name and name not in grant.granted:
            return self._challenge(name, [self._bearer_challenge(name, "insufficient_scope")])
        return None

    def _bearer_challenge(self, name: str, error: str = "") -> str:
        assert self.tokens is not None
        realm = self.realm or self.url + TOKEN_PATH
        scope = f',scope="repository:{name}:pull"' if name else ""
        return f'Bearer realm="{realm}",service="{self.tokens.service}"{scope}' + (f',error="{error}"' if error else "")

    def _challenge(self, name: str, lines: list[str]) -> Response:
        detail = [{"Type": "repository", "Class": "", "Name": name, "Action": "pull"}] if name else None
        if self.challenges is not None:
            lines = self.challenges(name)
        headers = (("Www-Authenticate", line) for line in lines)
        return Response.of_error(401, "UNAUTHORIZED", "authentication required", detail, _VERSION, *headers)


def _registry_error(status: int, code: str, message: str, detail: object) -> Response:
    return Response.of_error(status, code, message, detail, _VERSION)


def _kind(request: Request, status: int) -> Kind:
    if request.path == TOKEN_PATH:
        return "token"
    if _MANIFEST.fullmatch(request.path):
        if request.authorization_kind == "none" and status == 401:
            return "challenge"
        return "manifest"
    if _TAGS.fullmatch(request.path):
        return "tags"
    return "version" if request.path == "/v2/" else "other"


def docker_hub(
    *, tls: ssl.SSLContext | None = None, realm: str = "", host: str = "127.0.0.1", port: int = 0
) -> FakeRegistry:
    """A stand-in for Docker Hub: a token for anything, and 401 for what is not there or not for everybody.

    The token server knows no account; what is added is public.
    """
    tokens = TokenServer(service="registry.docker.io")
    registry = FakeRegistry(tls=tls, tokens=tokens, realm=realm, host=host, port=port)
    tokens.is_public = registry.holds
    return registry
