"""A token server: who may have a token for what, and what the token says."""

import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.fakes.exchange import Request, Response
from tests.fakes.listener import Listener

Granted = Mapping[str, str]
"""What a token allows: repository -> comma-separated actions."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for."""

    user: str
    granted: Granted
    expires_at: float


def opaque(grant: Grant) -> str:
    """A token that says nothing; only its server knows what it stands for."""
    del grant
    return secrets.token_urlsafe(32)


@dataclass(slots=True, kw_only=True)
class TokenServer:
    """Answers token requests as the token specification of distribution says, by GET and by POST.

    Whoever asks without a login gets a token for what is public where `is_anonymous` is set, else 401. As with every
    token server, a token that allows nothing is no error.
    """

    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Username -> password."""
    private: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Username -> repositories that it may pull beside the public ones; an account without an entry may pull all."""
    is_public: Callable[[str], bool] = lambda _: False
    """Whether a repository is open to everybody."""
    is_anonymous: bool = True
    service: str = "registry.test"
    lifetime_seconds: int = 300
    post_status: int = 200
    """What a POST is answered with; 200: it is understood."""
    mint: Callable[[Grant], str] = opaque
    grants: dict[str, Grant] = field(default_factory=dict, repr=False)

    def answer(self, request: Request) -> Response:
        if request.method == "POST" and self.post_status != 200:
            return Response.of_error(self.post_status, "UNSUPPORTED", "the operation is unsupported", None)
        login = request.login
        if (login is None and not self.is_anonymous) or (login is not None and not self.knows(login)):
            return Response.of_error(401, "UNAUTHORIZED", "incorrect username or password", None)
        asked = request.form if request.method == "POST" else request.query
        scopes = [scope for value in asked.get("scope", []) for scope in value.split(" ")]
        return self._token(request.user, scopes)

    def knows(self, login: tuple[str, str]) -> bool:
        username, password = login
        return username in self.accounts and secrets.compare_digest(self.accounts[username].encode(), password.encode())

    def allows(self, user: str, repository: str) -> bool:
        """Whether somebody may pull a repository; the empty user is everybody."""
        if self.is_public(repository):
            return True
        return bool(user) and (user not in self.private or repository in self.private[user])

    def pushing(self, *repositories: str) -> str:
        """A token to fill a registry with."""
        return self.mint(Grant("", dict.fromkeys(repositories, "pull,push"), time.time() + self.lifetime_seconds))

    def _token(self, user: str, scopes: list[str]) -> Response:
        asked = [scope.split(":") for scope in scopes if scope.count(":") == 2]
        granted = {name: "pull" for kind, name, _ in asked if kind == "repository" and self.allows(user, name)}
        grant = Grant(user, granted, time.time() + self.lifetime_seconds)
        token = self.mint(grant)
        self.grants[token] = grant
        document = {"token": token, "access_token": token, "expires_in": self.lifetime_seconds}
        return Response.of_json(200, document)


class TokenListener(Listener):
    """A token server on a port of its own; any path is its realm."""

    def __init__(
        self, tokens: TokenServer, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(tokens.answer, tls=tls, host=host, port=port)
        self.tokens = tokens
