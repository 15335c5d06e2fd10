import errno
import ssl
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from webhook.registry.exchange import (
    AddressRefused,
    BrokenAnswer,
    ConnectFailed,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.wire.faults import read_fault

HANDSHAKE = TlsFailed("handshake")
KEY = ConnectionKey("a.example", 443, True, True, None, None, None)
FAULTS = {
    "ClientConnectionError": ConnectFailed(),
    "ClientConnectionResetError": ConnectFailed(),
    "ClientConnectorCertificateError": HANDSHAKE,
    "ClientConnectorDNSError": NameNotFound(),
    "ClientConnectorError": ConnectFailed(),
    "ClientConnectorSSLError": HANDSHAKE,
    "ClientError": BrokenAnswer(),
    "ClientHttpProxyError": ProxyFailed(),
    "ClientOSError": ConnectFailed(),
    "ClientPayloadError": BrokenAnswer(),
    "ClientProxyConnectionError": ProxyFailed(),
    "ClientResponseError": BrokenAnswer(),
    "ClientSSLError": HANDSHAKE,
    "ConnectionTimeoutError": TimedOut(),
    "ContentTypeError": BrokenAnswer(),
    "InvalidURL": AddressRefused(""),
    "InvalidUrlClientError": AddressRefused(""),
    "InvalidUrlRedirectClientError": AddressRefused(""),
    "NonHttpUrlClientError": AddressRefused(""),
    "NonHttpUrlRedirectClientError": AddressRefused(""),
    "RedirectClientError": BrokenAnswer(),
    "ServerConnectionError": ConnectFailed(),
    "ServerDisconnectedError": ConnectFailed(),
    "ServerFingerprintMismatch": HANDSHAKE,
    "ServerTimeoutError": TimedOut(),
    "SocketTimeoutError": TimedOut(),
    "TooManyRedirects": BrokenAnswer(),
    "UnixClientConnectorError": ConnectFailed(),
    "UploadAbortedError": BrokenAnswer(),
    "WSServerHandshakeError": BrokenAnswer(),
}
"""Every exception of the library, and what it means to us."""


def descendants(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


EXCEPTIONS = {kind.__name__: kind for kind in descendants(aiohttp.ClientError) if kind.__module__.startswith("aiohttp")}


def test_no_exception_of_the_library_lacks_a_meaning():
    assert set(EXCEPTIONS) == set(FAULTS)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_exception_of_the_library_is_a_fault(name):
    kind = EXCEPTIONS[name]
    assert read_fault(kind.__new__(kind)) == FAULTS[name]


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (TimeoutError(), TimedOut()),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ConnectFailed()),
        (ssl.SSLError(1, "whatever"), HANDSHAKE),
        (aiohttp.http.HttpProcessingError(), BrokenAnswer()),
    ],
)
def test_exceptions_below_the_library_are_faults_too(error, fault):
    assert read_fault(error) == fault


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda cause: cause,
        lambda cause: aiohttp.ClientConnectorError(KEY, cause),
        lambda cause: aiohttp.ClientConnectorDNSError(KEY, cause),
        lambda cause: aiohttp.ClientProxyConnectionError(KEY, cause),
    ],
    ids=["by itself", "connecting", "resolving", "to the proxy"],
)
@pytest.mark.parametrize("is_proxied", [False, True])
def test_what_this_machine_lacks_is_no_fault_of_who_was_to_be_asked(number, wrap, is_proxied):
    assert read_fault(wrap(OSError(number, "whatever")), is_proxied=is_proxied) == HeldBack("exhausted")


def verification_error(code: int) -> ssl.SSLError:
    error = ssl.SSLCertVerificationError(1, "verify failed")
    error.verify_code = code
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (verification_error(10), TlsFailed("expired")),
        (verification_error(9), TlsFailed("expired")),
        (verification_error(62), TlsFailed("wrong name")),
        (verification_error(64), TlsFailed("wrong name")),
        (verification_error(18), TlsFailed("unknown authority")),
        (verification_error(20), TlsFailed("unknown authority")),
        (verification_error(23), HANDSHAKE),
        (tls_error("WRONG_VERSION_NUMBER"), SpeaksPlain()),
        (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), HANDSHAKE),
    ],
)
def test_a_tls_failure_says_why(error, fault):
    assert read_fault(error) == fault


def test_behind_a_proxy_the_name_that_is_not_found_is_the_proxys():
    kind = aiohttp.ClientConnectorDNSError
    assert read_fault(kind.__new__(kind), is_proxied=True) == ProxyFailed()
