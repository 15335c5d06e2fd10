"""Whom TLS connections trust: the system's authorities, those of the settings, and those that hosts.toml names.

What was verified a moment ago is not verified again: a server is offered the session of an earlier connection, which
only who holds that connection's secrets can take up (RFC 8446, section 2.2). `_Resuming` has the rules.
"""

import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

MAX_CONTEXTS = 64
"""Contexts kept; each endpoint of hosts.toml with files of its own has one, and a context holds some 300 KiB."""
MAX_SESSION_SECONDS = 300
"""How long a verified certificate is believed without being shown again; what nginx keeps a session by default."""
MAX_SESSION_NAMES = 64
"""Servers whose sessions a context keeps; a session takes some 13 KiB."""
MAX_SESSIONS = 4
"""Sessions kept of one server. Each is offered once, so that a server can link no two connections by it (RFC 8446,
appendix C.4), and so that one that leads to a failed handshake is gone by that."""


class Trust:
    """Makes TLS contexts that verify as Go does on the nodes, and keeps them, since each one takes 20 ms to make."""

    def __init__(self, ca_files: tuple[str, ...], *, clock: Callable[[], float] = time.time) -> None:
        """Take what is trusted.

        Args:
            ca_files: PEM files trusted beside the system's.
            clock: Tells the time of day in seconds since 1970, which certificates expire by.
        """
        self._ca_files = ca_files
        self._clock = clock
        self._contexts: dict[tuple[tuple[str, ...], bool], ssl.SSLContext] = {}

    def context(self, ca_files: tuple[str, ...] = (), *, skip_verify: bool = False) -> ssl.SSLContext:
        """Return the context for an endpoint.

        Args:
            ca_files: PEM files trusted beside the system's and the settings'.
            skip_verify: Whether any certificate will do, as hosts.toml or the settings say.

        Raises:
            OSError: A file cannot be read, or holds no certificate (`ssl.SSLError`).
        """
        key = (ca_files, skip_verify)
        if key not in self._contexts:
            if len(self._contexts) >= MAX_CONTEXTS:
                self._contexts.clear()
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if skip_verify else _Resuming(self._clock)
            self._contexts[key] = _set_up(made, (*self._ca_files, *ca_files), skip_verify=skip_verify)
        return self._contexts[key]


@dataclass(frozen=True, slots=True)
class _Verified:
    """A session, and until when the verification that it stems from may be relied on."""

    session: ssl.SSLSession
    until: float


class _Resuming(ssl.SSLContext):
    """A context that verifies, and offers a server the sessions of earlier connections.

    A resumed session stands for a certificate that this context verified for this very name: sessions are kept by
    context and name, taken from connections that have worked, for `MAX_SESSION_SECONDS` from the verification on,
    however often they are renewed, and never beyond the certificate's end. A server that does not take one up shows its
    certificate, and that is verified as ever.
    """

    def __new__(cls, _clock: Callable[[], float]) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, clock: Callable[[], float]) -> None:
        self.sslobject_class = _Connection
        self._clock = clock
        self._kept: OrderedDict[str, list[_Verified]] = OrderedDict()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Make one end of a connection; asyncio and uvloop call it for every one."""
        name = server_hostname if isinstance(server_hostname, str) and not server_side else None
        offered = self._take(name) if name and session is None else None
        made = super().wrap_bio(
            incoming, outgoing, server_side, server_hostname, offered.session if offered else session
        )
        if name and isinstance(made, _Connection):
            made.on_data = partial(self._keep, name, offered)
        return made

    def _take(self, name: str) -> _Verified | None:
        kept = self._kept.get(name, [])
        now = self._clock()
        while kept:
            newest = kept.pop()
            if now < newest.until:
                return newest
        return None

    def _keep(self, name: str, offered: _Verified | None, connection: ssl.SSLObject) -> None:
        session = connection.session
        if session is None or not (session.has_ticket or session.id):
            return
        until = offered.until if offered and connection.session_reused else self._until(connection)
        kept = self._kept.setdefault(name, [])
        self._kept.move_to_end(name)
        kept.append(_Verified(session, until))
        del kept[:-MAX_SESSIONS]
        if len(self._kept) > MAX_SESSION_NAMES:
            self._kept.popitem(last=False)

    def _until(self, connection: ssl.SSLObject) -> float:
        try:
            expiry = str((connection.getpeercert() or {})["notAfter"])
            return min(self._clock() + MAX_SESSION_SECONDS, ssl.cert_time_to_seconds(expiry))
        except (ValueError, KeyError, ssl.SSLError):  # a certificate that OpenSSL takes and Python cannot write out
            return 0


class _Connection(ssl.SSLObject):
    """One end of a connection that says when the first data has come.

    Only then is the handshake over for certain, and has a TLS 1.3 server sent what its session is resumed by.
    """

    on_data: Callable[[ssl.SSLObject], None] | None = None

    # The parent takes any buffer, and Python 3.11 has no word for that.
    def read(self, len: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override] # noqa: A002
        """Read, as the parent does."""
        data = super().read(len, buffer)
        if self.on_data is not None:
            self.on_data(self)
            self.on_data = None
        return data


def _set_up(context: ssl.SSLContext, ca_files: tuple[str, ...], *, skip_verify: bool) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # As crypto/x509: every trusted certificate is an anchor, and the subject's common name is no host name.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_default_certs()
    for file in ca_files:
        context.load_verify_locations(file)
    return context
