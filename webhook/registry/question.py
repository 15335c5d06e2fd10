"""What a conversation is asked, and what one attempt of it brings."""

from dataclasses import dataclass
from typing import assert_never
from urllib.parse import urlsplit

from webhook.images.reference import Reference
from webhook.keychain.credential import Credential
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import DOCKER_HUB, Endpoint
from webhook.registry.exchange import (
    AddressRefused,
    Answer,
    BrokenAnswer,
    ConnectFailed,
    Fault,
    FetchManifest,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    OfferResult,
    Resolution,
    Unavailable,
    UnavailableCause,
)

_TLS_CAUSES = {
    "unknown authority": UnavailableCause.TLS_AUTHORITY,
    "wrong name": UnavailableCause.TLS_NAME,
    "expired": UnavailableCause.TLS_EXPIRED,
    "handshake": UnavailableCause.TLS_HANDSHAKE,
}
_HELD_CAUSES = {
    "rate limited": UnavailableCause.RATE_LIMITED,
    "sick": UnavailableCause.SICK,
    "exhausted": UnavailableCause.OURS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Can this reference be pulled with these credentials, by the node's road?"""

    reference: Reference
    credentials: tuple[Credential, ...]
    """In the kubelet's order; none: one anonymous attempt (kuberuntime_image.go PullImage)."""
    endpoints: tuple[Endpoint, ...]
    """In the node's order."""
    destinations: Destinations
    pull_through: tuple[str, ...] = ()
    """Patterns of caches, whose "not found" is no authority."""

    @property
    def is_of_hub(self) -> bool:
        """Whether the reference is Docker Hub's."""
        return self.reference.registry == DOCKER_HUB


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one credential (or none) at one endpoint."""

    resolution: Resolution
    offer: OfferResult = OfferResult.UNUSED
    recheck: FetchManifest | None = None
    """The GET that reads the error's body, and may still change a denial; None: nothing can."""
    is_last: bool = False
    """Whether the node asks no further endpoint after this one."""

    @property
    def host(self) -> str:
        """Who was asked last; empty when that is not told."""
        return getattr(self.resolution, "host", "")


def host_of(url: str) -> str:
    """Host and port of a URL that was requested."""
    return urlsplit(url).netloc


def read_fault(host: str, fault: Fault) -> Unavailable | Blocked:
    """Say what a fault of the wire means: no authoritative answer, or a place that may not be asked."""
    match fault:
        case AddressRefused(setting):
            return Blocked(host, BlockedCause.ADDRESS, setting)
        case TlsFailed(reason):
            return Unavailable(host, _TLS_CAUSES[reason])
        case NameNotFound():
            return Unavailable(host, UnavailableCause.NAME)
        case SpeaksPlain():
            return Unavailable(host, UnavailableCause.PLAIN_HTTP)
        case ProxyFailed():
            return Unavailable(host, UnavailableCause.PROXY)
        case BrokenAnswer():
            return Unavailable(host, UnavailableCause.NOT_A_REGISTRY)
        case ConnectFailed() | TimedOut():
            return Unavailable(host, UnavailableCause.SILENT)
        case HeldBack(reason):
            return Unavailable(host, _HELD_CAUSES[reason])
        case _:
            assert_never(fault)


def read_trouble(host: str, answer: Answer) -> Unavailable:
    """Say what a status means that decides nothing: too many requests, a server's trouble, or no registry's answer."""
    if answer.status in (408, 429):
        return Unavailable(host, UnavailableCause.RATE_LIMITED, answer.status)
    if answer.status >= 500:
        return Unavailable(host, UnavailableCause.SERVER_ERROR, answer.status)
    return Unavailable(host, UnavailableCause.NOT_A_REGISTRY, answer.status)
