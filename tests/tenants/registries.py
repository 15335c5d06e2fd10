"""A small model of registries and their token servers, in the place of sockets, which sees on whose behalf they act."""

import asyncio
import base64
import json
import math
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.registry.playing import BASIC as BASIC_CHALLENGE
from tests.registry.playing import NOT_FOUND, UNAUTHORIZED, answer, found
from tests.tenants.world import Holding, Login, World
from webhook.registry.exchange import Answer, Reply, TimedOut
from webhook.registry.request import Request

BEHALF: ContextVar[str] = ContextVar("BEHALF")
"""The namespace whose review is at work; what it starts inherits it."""
LATENCY_SECONDS = 0.02
TOKEN_SECONDS = 300
_AUTH = "auth."


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for."""

    host: str
    user: str
    """Empty: anybody."""
    repository: str
    """Empty: it allows nothing."""
    behalf: str
    until: float


class Exchange:
    """Answers requests as the world's registries would, and notes every login that goes out for the wrong namespace."""

    def __init__(self, world: World, secrets_seconds: float) -> None:
        self._world = world
        self._secrets_seconds = secrets_seconds
        self._grants: dict[str, Grant] = {}
        self.leaks: list[str] = []
        self.counts: Counter[str] = Counter()
        """Requests, by what they carried."""
        self.shown: dict[tuple[str, str, str, str], float] = {}
        """When a manifest was last shown on whose behalf, by host, repository and tag or digest."""

    async def exchange(self, request: Request) -> Reply:
        await asyncio.sleep(LATENCY_SECONDS)
        url = urlsplit(request.url)
        host = url.netloc.removeprefix(_AUTH)
        holding, login = self._world.holdings[host].now, _login(request)
        self._watch(login)
        trouble = self._world.troubles.get(host)
        if trouble:
            return TimedOut() if trouble == "silent" else answer(429 if trouble == "rate limited" else 503)
        if url.netloc.startswith(_AUTH):
            return self._grant(host, holding, login, request)
        _, _, rest = url.path.partition("/v2/")
        repository, _, wanted = rest.replace("/blobs/", "/manifests/").partition("/manifests/")
        refusal = self._refuse(host, holding, repository, request)
        if refusal is not None:
            return refusal
        digest = holding.find(repository, wanted)
        if digest:
            self.shown[BEHALF.get(), host, repository, wanted] = asyncio.get_running_loop().time()
        return found(docker_content_digest=digest) if digest else answer(404, NOT_FOUND)

    def _watch(self, login: Login | None) -> None:
        self.counts["login" if login else "none"] += 1
        if login is None:
            return
        now, behalf = asyncio.get_running_loop().time(), BEHALF.get()
        # Reviews begin at whole seconds and are over before the next.
        if not self._world.holds_login(behalf, login, math.floor(now) - self._secrets_seconds, now):
            self.leaks.append(f"a login of {login[0]} went out for {behalf}, which does not hold it")

    def _refuse(self, host: str, holding: Holding, repository: str, request: Request) -> Answer | None:
        scheme, _, value = _header(request, "Authorization").partition(" ")
        if holding.manner == "bearer":
            return self._refuse_token(host, repository, value if scheme == "Bearer" else "")
        login = _login(request)
        if login and scheme == "Basic" and holding.manner == "basic" and not holding.knows(login):
            return answer(401, UNAUTHORIZED, BASIC_CHALLENGE)
        if holding.manner == "open" or holding.may_read(login[0] if login else "", repository):
            return None
        return answer(401, UNAUTHORIZED, BASIC_CHALLENGE)

    def _refuse_token(self, host: str, repository: str, token: str) -> Answer | None:
        grant = self._grants.get(token)
        now = asyncio.get_running_loop().time()
        if grant is None or grant.host != host or grant.until <= now:
            return answer(401, UNAUTHORIZED, _bearer(host, repository, ',error="invalid_token"' if token else ""))
        self.counts["token"] += 1
        if grant.user and grant.behalf != BEHALF.get():
            self.leaks.append(f"a token of {grant.user}, granted to {grant.behalf}, went out for {BEHALF.get()}")
        if grant.repository != repository:
            return answer(401, UNAUTHORIZED, _bearer(host, repository, ',error="insufficient_scope"'))
        return None

    def _grant(self, host: str, holding: Holding, login: Login | None, request: Request) -> Answer:
        if login and not holding.knows(login):
            return answer(401, UNAUTHORIZED)
        fields = parse_qs(request.body.decode() if request.body else urlsplit(request.url).query)
        repository = fields["scope"][0].split(":")[1]
        user = login[0] if login else ""
        granted = repository if holding.may_read(user, repository) else ""
        text = f"token-{len(self._grants)}"
        until = asyncio.get_running_loop().time() + TOKEN_SECONDS
        self._grants[text] = Grant(host, user, granted, BEHALF.get(), until)
        body = json.dumps({"token": text, "access_token": text, "expires_in": TOKEN_SECONDS}).encode()
        return Answer(200, (("content-type", "application/json"),), body)


def _bearer(host: str, repository: str, more: str) -> str:
    return f'Bearer realm="https://{_AUTH}{host}/token",service="{host}",scope="repository:{repository}:pull"{more}'


def _header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers if key == name), "")


def _login(request: Request) -> Login | None:
    """Whose password a request carries."""
    scheme, _, value = _header(request, "Authorization").partition(" ")
    if scheme == "Basic":
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, password
    if request.body:
        fields = parse_qs(request.body.decode())
        return fields["username"][0], fields["password"][0]
    return None
