"""What a fault is: where it strikes, what happens there, and what must come of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.fakes.exchange import Request
from tests.faults.acts import Act, Speech

Row = Literal[
    "registry down",
    "registry hangs or drips",
    "5xx",
    "429",
    "HEAD unsupported",
    "token server",
    "DNS",
    "TLS",
    "proxy",
    "API server",
    "pull secret",
]
"""The rows of the table in `rows.py` that are played here."""
When = Callable[[Request], bool]
Challenge = Callable[[str], Sequence[str]]
"""Address of the registry -> its WWW-Authenticate lines."""
Certificate = Literal["good", "wrong name", "expired", "not yet valid", "unknown authority"]


def heads(request: Request) -> bool:
    """Every HEAD of a manifest."""
    return request.method == "HEAD"


def gets(request: Request) -> bool:
    """Every GET of a manifest: the node's own where HEAD is not enough, or the confirmation of a denial."""
    return request.method == "GET" and "/manifests/" in request.path


def manifests(request: Request) -> bool:
    """Every request for a manifest."""
    return "/manifests/" in request.path


def logged_in(request: Request) -> bool:
    """Every request for a manifest that shows a token."""
    return "/manifests/" in request.path and request.authorization_kind == "bearer"


def tokens(request: Request) -> bool:
    """Every request for a token."""
    return "/token" in request.path


def never(_: Request) -> bool:
    """No request."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a registry, its token server, or the way to them fails."""

    name: str
    row: Row
    cause: str = ""
    """Words that the warning must have; empty: the image must resolve all the same, in silence."""
    cause_by_digest: str = ""
    """Where it is another one when the image is named by its digest."""
    resolution: str = "Unavailable"
    when: When = never
    act: Act | None = None
    speech: Speech | None = None
    """What is said on every connection instead of serving at all."""
    certificate: Certificate = "good"
    is_refused: bool = False
    """Nobody listens at the port."""
    is_present: bool = True
    """Whether the registry has the image: where it has not, a denial would have to be confirmed first."""
    challenge: Challenge | None = None
    server: str = "https://{address}"
    """Where the registry's name leads, by hosts.toml."""

    @property
    def expected(self) -> str:
        """The resolution that must come of it."""
        return self.resolution if self.cause else "Resolved"

    def __str__(self) -> str:
        return self.name
