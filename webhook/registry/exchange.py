"""What a conversation asks of the wire, and what it is told: intents out, answers and faults in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from webhook.keychain.credential import Credential
from webhook.registry.endpoints import Endpoint

MANIFEST_MEDIA_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
ACCEPT = ", ".join((*MANIFEST_MEDIA_TYPES, "*/*"))
"""containerd's own header (core/remotes/docker/resolver.go): without the index types a registry hides images."""
MAX_MANIFEST_BYTES = 4 * 1048 * 1048
"""The largest manifest containerd takes (MaxManifestSize); what is larger it calls not found."""
MAX_ERROR_BYTES = 64 * 1024
"""As go-containerregistry reads of an error body; registries' own are below 1 KiB."""
MAX_TOKEN_BYTES = 64 * 1024
"""As go-containerregistry reads of a token answer."""


class Purpose(StrEnum):
    """Why a request is made; a label of `pullcheck_registry_requests_total`."""

    MANIFEST = "manifest"
    TOKEN = "token"  # noqa: S105 (a label)
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """`Authorization: Basic` with a credential of the keychain."""

    credential: Credential


@dataclass(frozen=True, slots=True)
class BearerToken:
    """`Authorization: Bearer` with a token of the registry's token server."""

    token: str

    def __repr__(self) -> str:
        return "BearerToken(…)"


Authorization = BasicLogin | BearerToken


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchManifest:
    """Ask an endpoint, or where it redirected to, for a manifest. The driver follows no redirect."""

    endpoint: Endpoint
    """Whose TLS trust applies."""
    url: str
    method: Literal["HEAD", "GET"]
    authorization: Authorization | None = None
    purpose: Purpose = Purpose.MANIFEST
    max_body_bytes: int = MAX_ERROR_BYTES
    """What is read of a GET's body; the rest is left and `Answer.is_complete` says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchToken:
    """Ask a token server as containerd does (core/remotes/docker/auth/fetch.go). The driver follows no redirect.

    Grants: `anonymous`, a GET without a login; `basic`, a GET with Basic; `password`, a POST of a form with
    grant_type=password, username, password, service, client_id and the scopes in one field.
    """

    endpoint: Endpoint
    url: str
    """The realm, or where it redirected to; a query it has is kept."""
    grant: Literal["anonymous", "basic", "password"]
    scopes: tuple[str, ...] = ()
    service: str = ""
    credential: Credential | None = None


Intent = FetchManifest | FetchToken


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, its body bounded."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """In the order of arrival, repeated ones repeated."""
    body: bytes = b""
    is_complete: bool = True
    """Whether the body ended before the limit that the intent set."""

    def all_headers(self, name: str) -> list[str]:
        """Every value of a header, by its case-insensitive name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The first value of a header; empty when there is none."""
        return next(iter(self.all_headers(name)), "")


@dataclass(frozen=True, slots=True)
class NameNotFound:
    """DNS knows no such host, or did not say."""


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """No connection: refused, reset, unreachable, closed before an answer."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nothing came within the connect or response timeout."""

    while_connecting: bool = False
    """Whether no connection was ready by then: no route, or a server that is silent in the TLS handshake."""


@dataclass(frozen=True, slots=True)
class TlsFailed:
    """The handshake failed, or the certificate cannot be verified."""

    reason: Literal["unknown authority", "wrong name", "expired", "handshake"]


@dataclass(frozen=True, slots=True)
class SpeaksPlain:
    """The answer to a TLS handshake was not TLS: the server speaks plain http."""


@dataclass(frozen=True, slots=True)
class AddressRefused:
    """The destination rules refuse the host or every address it has; nothing was sent."""

    setting: str
    """The setting that would allow it, such as `network.loopback`; empty: none does."""


@dataclass(frozen=True, slots=True)
class ProxyFailed:
    """The proxy could not be reached, or refused to connect."""


@dataclass(frozen=True, slots=True)
class BrokenAnswer:
    """What came is not HTTP, or exceeds the limits of headers, or its body is encoded though none was asked for."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Nothing was sent: the registry is left alone for a moment, or cannot be asked from here."""

    reason: Literal["rate limited", "sick", "exhausted"]
    """It asked for that; it failed several times in a row; or no file or memory is left here for a connection."""


Fault = (
    NameNotFound
    | ConnectFailed
    | TimedOut
    | TlsFailed
    | SpeaksPlain
    | AddressRefused
    | ProxyFailed
    | BrokenAnswer
    | HeldBack
)
Reply = Answer | Fault
