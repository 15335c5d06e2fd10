"""Key updates of TLS 1.3: no data comes with them, so that nobody but OpenSSL would ever see them.

It takes all that have come in one turn of the event loop, and answers those that ask for it; Go's server ends a
connection after 16 in a row.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakMethod

MAX_HANDSHAKE_MESSAGES = 8
"""After the handshake, of one connection. A client may change its keys after 2^24 records; Go's never does."""
_HANDSHAKE = 22
"""The content type (RFC 8446, section 5.1)."""


@dataclass(slots=True)
class _Bounded:
    end: WeakMethod[Callable[[], None]]
    messages: int = 0


_connections: WeakKeyDictionary[ssl.SSLObject, _Bounded] = WeakKeyDictionary()


def report_key_updates(context: ssl.SSLContext) -> None:
    """Have what comes over a context's later connections looked at; `bound_key_updates` says whose."""
    context._msg_callback = _heed  # type: ignore[attr-defined]  # noqa: SLF001 (nothing public tells of them)


def bound_key_updates(connection: ssl.SSLObject, end: Callable[[], None]) -> None:
    """Have a connection, whose handshake is done, ended when it brings more of handshakes than anybody needs.

    Args:
        connection: Of a context of `report_key_updates`.
        end: Ends it; a bound method, which is not kept alive.
    """
    _connections[connection] = _Bounded(WeakMethod(end))


def _heed(connection: ssl.SSLObject, direction: str, _version: int, content_type: int, _type: int, _: bytes) -> None:
    if direction != "read" or content_type != _HANDSHAKE:
        return
    bounded = _connections.get(connection)
    if bounded is None:
        return
    bounded.messages += 1
    end = bounded.end()
    if bounded.messages > MAX_HANDSHAKE_MESSAGES and end:
        end()
