"""What the exceptions of the HTTP client, of TLS and of sockets mean: each one is a fault of the exchange."""

import ssl
from collections.abc import Callable
from typing import Any, Literal

import aiohttp

from webhook.registry.exchange import (
    AddressRefused,
    BrokenAnswer,
    ConnectFailed,
    Fault,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.wire.exhaustion import EXHAUSTED


class FaultError(Exception):
    """Carries a fault of the guard through aiohttp."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


_PLAIN_REASONS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's words for a first record that is no TLS, such as `HTTP/1.1 400`."""
_VERIFY_REASONS: dict[int, Literal["unknown authority", "wrong name", "expired"]] = {
    2: "unknown authority",  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
    9: "expired",  # …CERT_NOT_YET_VALID
    10: "expired",  # …CERT_HAS_EXPIRED
    18: "unknown authority",  # …DEPTH_ZERO_SELF_SIGNED_CERT
    19: "unknown authority",  # …SELF_SIGNED_CERT_IN_CHAIN
    20: "unknown authority",  # …UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: "unknown authority",  # …UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: "wrong name",  # …HOSTNAME_MISMATCH
    64: "wrong name",  # …IP_ADDRESS_MISMATCH
}


def _read_tls(error: BaseException) -> Fault:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsFailed(_VERIFY_REASONS.get(getattr(cause, "verify_code", 0), "handshake"))
    if getattr(cause, "reason", "") in _PLAIN_REASONS:
        return SpeaksPlain()
    return TlsFailed("handshake")


_FAULTS: tuple[tuple[type[BaseException], Callable[[Any], Fault]], ...] = (
    (FaultError, lambda error: error.fault),
    (aiohttp.ClientConnectorCertificateError, _read_tls),
    (aiohttp.ClientSSLError, _read_tls),
    (aiohttp.ServerFingerprintMismatch, _read_tls),
    (ssl.SSLError, _read_tls),
    (aiohttp.ClientHttpProxyError, lambda _: ProxyFailed()),
    (aiohttp.ClientProxyConnectionError, lambda _: ProxyFailed()),
    (aiohttp.ClientConnectorDNSError, lambda _: NameNotFound()),
    (TimeoutError, lambda _: TimedOut()),
    (aiohttp.InvalidURL, lambda _: AddressRefused("")),
    (aiohttp.NonHttpUrlClientError, lambda _: AddressRefused("")),
    (aiohttp.ClientConnectionError, lambda _: ConnectFailed()),
    (aiohttp.ClientError, lambda _: BrokenAnswer()),
    (aiohttp.http.HttpProcessingError, lambda _: BrokenAnswer()),
    (OSError, lambda _: ConnectFailed()),
)
"""Every exception of the library and what it means; the first row that fits counts."""


CAUGHT = tuple(kind for kind, _ in _FAULTS)
"""What `read_fault` can read."""


def read_fault(error: BaseException, *, is_proxied: bool = False) -> Fault:
    """Say which fault an exception of aiohttp, ssl or the socket layer is."""
    fault = read_exhaustion(error) or next(read(error) for kind, read in _FAULTS if isinstance(error, kind))
    # Between us and the proxy, a name that is not found is the proxy's.
    return ProxyFailed() if is_proxied and isinstance(fault, NameNotFound) else fault


def read_exhaustion(error: BaseException) -> HeldBack | None:
    """Say whether an exception came because nothing could be opened here; None: the fault is another's."""
    return HeldBack("exhausted") if getattr(error, "errno", None) in EXHAUSTED else None
