"""A socket between its accept and its connection, which begins to shake hands when there is something to answer."""

import asyncio
import socket
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Protocol

RECORD_HEAD_BYTES = 5
"""Of TLS: the type, the version, and the length of what follows (RFC 8446 section 5.1)."""
MAX_RECORD_BYTES = 16 * 1024
"""Of TLS; a longer first record is none, and TLS will say so."""
_HANDSHAKE = b"\x16"
"""The type of a record that belongs to a handshake."""


class Reception(Protocol):
    """Who accepts; `wire.acceptor` has its form."""

    def hear(self, arrival: "Arrival") -> None:
        """Have somebody's `speak` called when its socket can be read."""

    def hear_no_more(self, arrival: "Arrival") -> None:
        """End what `hear` began, before the socket is closed or handed on."""

    def join(self, arrival: "Arrival") -> None:
        """Let somebody wait for the handshake."""

    def leave(self, arrival: "Arrival") -> None:
        """Forget somebody who became a connection, or never will."""

    async def connect(self, connection: socket.socket, on_made: Callable[[], None]) -> None:
        """Make a connection of a socket; it is the transport's to close from here on, however this ends.

        `on_made` is called when it is one, before its protocol knows.
        """


class Arrival:
    """A socket between its accept and its connection."""

    __slots__ = (
        "_awaited_bytes",
        "_connection",
        "_is_ours",
        "_loop",
        "_opening",
        "_reception",
        "_timer",
        "is_over",
        "peer",
    )

    def __init__(self, reception: Reception, connection: socket.socket, peer: str) -> None:
        self._reception = reception
        self._connection = connection
        self.peer = peer
        self._awaited_bytes = 1
        self._is_ours = True
        """Whether the socket is still ours to close; from the handshake on it is the transport's."""
        self._opening: asyncio.Task[None] | None = None
        self._timer: TimerHandle | None = None
        self.is_over = False

    def begin(self, loop: asyncio.AbstractEventLoop, seconds: float, *, has_handshake: bool) -> None:
        """Wait for the first record, where the handshake begins with it."""
        self._loop = loop
        self._connection.setblocking(False)
        self._timer = loop.call_later(seconds, self.abort)
        if not has_handshake:
            self._reception.join(self)
        else:
            self._reception.hear(self)
            self.speak()

    def open(self) -> None:
        """Make it a connection."""
        self._opening = self._loop.create_task(self._open())

    def abort(self) -> None:
        """End now."""
        if self._opening:
            self._opening.cancel()
        if self._is_ours:
            self._reception.hear_no_more(self)
            self._connection.close()
        self._leave()

    def fileno(self) -> int:
        """Give the socket's descriptor."""
        return self._connection.fileno()

    def speak(self) -> None:
        """Look at what has come, or that nothing will."""
        wanted_bytes = _wanted_bytes(self._connection)
        if wanted_bytes is None:
            self.abort()
        elif not self._awaits(wanted_bytes):
            self._reception.hear_no_more(self)
            self._await(1)
            self._reception.join(self)

    def _awaits(self, wanted_bytes: int) -> bool:
        """Say whether more has to come; nothing wakes the event loop before it is there.

        Where nothing more comes it is woken with less, and TLS will find out.
        """
        if wanted_bytes <= self._awaited_bytes:
            return False
        self._await(wanted_bytes)
        return True

    def _await(self, size_bytes: int) -> None:
        if size_bytes != self._awaited_bytes:
            self._awaited_bytes = size_bytes
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size_bytes)

    async def _open(self) -> None:
        self._is_ours = False
        try:
            await self._reception.connect(self._connection, self._leave)
        except OSError:
            # Whoever does not come through the handshake is no client of ours, and hears of it from TLS.
            return
        finally:
            self._leave()

    def _leave(self) -> None:
        self.is_over = True
        if self._timer:
            self._timer.cancel()
        # Each of them holds this one too: a cycle would wait for the garbage collector, and everybody with it.
        self._timer = self._opening = None
        self._reception.leave(self)


def _wanted_bytes(connection: socket.socket) -> int | None:
    """Say how many bytes have to be there before the handshake can begin.

    Returns:
        0: it can, if only to fail; None: it never will, since the peer has gone without a word.
    """
    try:
        there = connection.recv(RECORD_HEAD_BYTES + MAX_RECORD_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return RECORD_HEAD_BYTES
    except OSError:
        return None
    if not there:
        return None
    record_bytes = int.from_bytes(there[3:RECORD_HEAD_BYTES])
    is_begun = there[:1] == _HANDSHAKE and record_bytes <= MAX_RECORD_BYTES
    wanted_bytes = RECORD_HEAD_BYTES + (record_bytes if len(there) >= RECORD_HEAD_BYTES else 0)
    return wanted_bytes if is_begun and len(there) < wanted_bytes else 0
