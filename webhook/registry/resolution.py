"""The closed set of how a conversation ends. Unknown is the default, never fine."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Resolved:
    """The node's own request got a manifest that it takes."""

    digest: str


class MissingCause(StrEnum):
    """Which part the registry says is missing."""

    TAG = "tag"
    DIGEST = "digest"
    REPOSITORY = "repository"
    UNSAID = "unsaid"
    """The registry does not say which part it misses."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Every endpoint that the node would ask says that it is not there."""

    host: str
    cause: MissingCause = MissingCause.UNSAID
    refused_at: str = ""
    """Another endpoint, such as the registry behind a mirror, that refused instead; empty: none did."""


class RefusedCause(StrEnum):
    """Why the registry refused all that the pod can offer."""

    LOGIN_WANTED = "login wanted"
    """It asks for a login and the pod has none for it."""
    LOGIN_REJECTED = "login rejected"
    """A username and password were offered and not accepted."""
    ACCESS_DENIED = "access denied"
    """The login was accepted, or none was needed, and access still refused (or the repository does not exist)."""
    EXPIRED = "expired"
    """The registry says that the login has expired."""
    POLICY = "policy"
    """A rule of the registry forbids the pull (Harbor's 412)."""
    NO_CHALLENGE = "no challenge"
    """It refused without asking for a login that nodes know how to give."""
    UNTRANSMITTABLE = "untransmittable"
    """The login holds bytes that are not UTF-8; the kubelet cannot hand it to the runtime."""
    BROKEN_SECRET = "broken secret"  # noqa: S105 (a cause)
    """A pull secret is so broken that the kubelet gives up before it asks anybody."""


@dataclass(frozen=True, slots=True)
class Refused:
    """401 or 403 to everything that the pod can offer."""

    host: str
    cause: RefusedCause


class UnsupportedCause(StrEnum):
    """Why the runtime does not take what is there."""

    SCHEMA_1 = "schema 1"
    MEDIA_TYPE = "media type"
    WEB_PAGE = "web page"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something is there, and the runtime does not take it."""

    host: str
    cause: UnsupportedCause


class UnverifiableCause(StrEnum):
    """Which means the nodes have that we were told of but do not hold."""

    NODE_LOGIN = "node login"
    PRELOADED = "preloaded"
    FIREWALL = "firewall"
    """The refusal names an address or a firewall: nodes may come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """Nodes may be able to; we cannot know."""

    host: str
    cause: UnverifiableCause


class UnavailableCause(StrEnum):
    """Why no authoritative answer came."""

    NAME = "name"
    SILENT = "silent"
    """Refused, reset, unreachable or silent: which of these it was tells people nothing, and scanners something."""
    DEADLINE = "deadline"
    TLS_AUTHORITY = "tls authority"
    TLS_NAME = "tls name"
    TLS_EXPIRED = "tls expired"
    TLS_HANDSHAKE = "tls handshake"
    PLAIN_HTTP = "plain http"
    PROXY = "proxy"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    SICK = "sick"
    """It failed several times in a row, and is left alone for a moment."""
    NOT_A_REGISTRY = "not a registry"
    """An answer that no registry gives: HTML, an unknown status, a broken digest."""
    CHALLENGE = "challenge"
    """The login challenge cannot be read by nodes."""
    TOKEN = "token"  # noqa: S105 (a cause)
    """The token server's answer cannot be read by nodes."""
    PULL_THROUGH = "pull through"
    """A cache's "not found" is no authority."""
    NODE_MEANS = "node means"
    """The node has a client certificate or a header for this host (hosts.toml) that we do not send."""
    LOGINS = "logins"
    """The pod's pull secrets hold more logins than are tried."""
    NO_HOST = "no host"
    """The nodes' hosts.toml leaves no host that may resolve a tag (containerd: "no resolve hosts")."""
    REDIRECTS = "redirects"
    CHANGED = "changed"
    """Two answers of the registry contradict each other."""
    OURS = "ours"
    """A fault of this webhook's own."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No authoritative answer came."""

    host: str
    cause: UnavailableCause
    status: int = 0
    """The HTTP status, where one came."""


class BlockedCause(StrEnum):
    """What this webhook will not do, and the node would."""

    HOST = "host"
    """The host's name is not one that this webhook will contact."""
    ADDRESS = "address"
    """The host's address is not one that this webhook will contact."""
    CREDENTIAL_REALM = "credential realm"
    CREDENTIAL_PLAIN = "credential plain"
    """The login would travel over plain http."""
    CREDENTIAL_REDIRECT = "credential redirect"
    CREDENTIAL_MIRROR = "credential mirror"
    DOWNGRADE = "downgrade"
    """A redirect leads from https to plain http."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The node would ask, or log in, where this webhook will not."""

    host: str
    cause: BlockedCause
    setting: str = ""
    """The setting that would allow it; empty: none does."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The kubelet could not parse the reference."""

    reason: str


Resolution = Resolved | Missing | Refused | Unsupported | Unverifiable | Unavailable | Blocked | Invalid


class OfferResult(StrEnum):
    """What became of a credential."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DENIED = "denied"
    """The login was good, access was refused."""
    WITHHELD = "withheld"
    """Not sent: the destination may not have it."""
    UNUSED = "unused"
    """Nobody asked for it."""
    UNUSABLE = "unusable"
    """Empty password where one is needed, or not UTF-8."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a conversation ended, and what became of each credential that was offered, in the keychain's order."""

    resolution: Resolution
    offers: tuple[OfferResult, ...] = ()
    is_remembered: bool = False
    """Whether this is how an earlier conversation ended."""
