"""Accepts connections, no more at once than there is room for, and shakes hands with those who begin to."""

import asyncio
import errno
import logging
import resource
import socket
import ssl
from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable

from webhook.wire.crowd import Crowd, Standing

HANDSHAKE_SECONDS = 5.0
"""From the accept to the end of the handshake; the API server's client allows itself 10 s, and asyncio allows 60 s."""
ACCEPTS_PER_TURN = 32
"""Of the event loop: a burst of connections must not keep the reviews waiting."""
HANDSHAKES_PER_TURN = 2
"""Each costs half a millisecond of computing, and reviews wait meanwhile."""
PAUSE_SECONDS = 0.02
"""Before another attempt, where there was no room or no file descriptor."""
RECEIVE_BUFFER_BYTES = 64 * 1024
"""The kernel's, of each connection; by itself it would grow to 6 MiB for whoever sends faster than we read."""
SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's too: several answers, of whoever asks on without reading them."""
MAX_OPEN_FILES = 4096
"""What this process asks the system for: twice the connections that it accepts, and as many as it opens itself."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LOGGER = logging.getLogger(__name__)


def raise_open_files() -> int:
    """Have as many files open as `MAX_OPEN_FILES`, or as many as the system allows; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_OPEN_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Acceptor:
    """Accepts what comes to a listening socket, from `start` to `close`.

    It stands where uvicorn expects a server of asyncio's, which takes any number of connections. With TLS, a connection
    that has said nothing costs a file descriptor and little else: its handshake begins with its first byte.
    """

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        crowd: Crowd,
        handshake_seconds: float,
    ) -> None:
        """Take a socket that listens.

        Args:
            listening: Stays the caller's to close.
            make_protocol: Makes the protocol of a connection, which enters the crowd when it is made.
            tls: None serves plainly.
            crowd: Whom a connection joins from its accept on.
            handshake_seconds: From the accept to the handshake's end.
        """
        self._listening = listening
        self._make_protocol = make_protocol
        self._tls = tls
        self._crowd = crowd
        self._handshake_seconds = handshake_seconds
        self._loop = asyncio.get_running_loop()
        self._pause: TimerHandle | None = None
        self._arrivals: set[_Arrival] = set()
        self._waiting: deque[_Arrival] = deque()
        """Those who have said something and whose handshake has not begun."""

    def start(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._resume()

    def close(self) -> None:
        """Accept no more, and end what is not yet a connection."""
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._listening)
        for arrival in tuple(self._arrivals):
            arrival.abort()

    async def wait_closed(self) -> None:
        """Return at once: nothing is left after `close`."""

    def join(self, arrival: "_Arrival") -> None:
        """Let somebody who has said something wait for the handshake."""
        self._crowd.place(arrival, Standing.WORKING, self._loop.time())
        self._waiting.append(arrival)
        if len(self._waiting) == 1:
            self._loop.call_soon(self._shake_hands)

    def leave(self, arrival: "_Arrival") -> None:
        """Forget somebody who became a connection, or never will."""
        self._arrivals.discard(arrival)
        self._crowd.leave(arrival)

    async def connect(self, connection: socket.socket) -> None:
        """Make a connection of a socket; it is the transport's to close from here on, however this ends."""
        timeout = self._handshake_seconds if self._tls else None
        await self._loop.connect_accepted_socket(
            self._make_protocol, connection, ssl=self._tls, ssl_handshake_timeout=timeout
        )

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept_some)

    def _rest(self) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _accept_some(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if not self._crowd.let_come(self._loop.time()):
                # Whoever comes now waits in the kernel's queue.
                self._rest()
                return
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept a connection if one waits; false where it is no use to go on now."""
        try:
            connection, _ = self._listening.accept()
        except OSError as fault:
            if fault.errno in _EXHAUSTED:
                _LOGGER.warning("no connection can be accepted now: %s", errno.errorcode[fault.errno])
                self._crowd.end_any(self._loop.time())
                self._rest()
            # Anything else is about that one connection, which is gone: the next one may be well.
            return not isinstance(fault, BlockingIOError) and fault.errno not in _EXHAUSTED
        arrival = _Arrival(self, connection)
        self._arrivals.add(arrival)
        self._crowd.place(arrival, Standing.SILENT, self._loop.time())
        arrival.begin(self._loop, self._handshake_seconds, is_silent=self._tls is not None)
        return True

    def _shake_hands(self) -> None:
        for _ in range(HANDSHAKES_PER_TURN):
            self._pass_over()
            if not self._waiting:
                return
            now = self._loop.time()
            if not self._crowd.let_begin(now):
                self._loop.call_later(PAUSE_SECONDS, self._shake_hands)
                return
            arrival = self._waiting.popleft()
            self._crowd.place(arrival, Standing.UNFINISHED, now)
            arrival.open()
        if self._waiting:
            self._loop.call_soon(self._shake_hands)

    def _pass_over(self) -> None:
        """Forget those in front who are gone: nobody has to make room for them."""
        while self._waiting and self._waiting[0].is_over:
            self._waiting.popleft()


class _Arrival:
    """A socket between its accept and its connection."""

    __slots__ = ("_acceptor", "_connection", "_is_ours", "_loop", "_opening", "_timer", "is_over")

    def __init__(self, acceptor: Acceptor, connection: socket.socket) -> None:
        self._acceptor = acceptor
        self._connection = connection
        self._is_ours = True
        """Whether the socket is still ours to close; from the handshake on it is the transport's."""
        self._opening: asyncio.Task[None] | None = None
        self._timer: TimerHandle | None = None
        self.is_over = False

    def begin(self, loop: asyncio.AbstractEventLoop, seconds: float, *, is_silent: bool) -> None:
        """Wait for the first byte, where the handshake begins with it."""
        self._loop = loop
        self._connection.setblocking(False)
        self._timer = loop.call_later(seconds, self.abort)
        if is_silent:
            loop.add_reader(self._connection, self._speak)
        else:
            self._acceptor.join(self)

    def open(self) -> None:
        """Make it a connection."""
        self._opening = self._loop.create_task(self._open())

    def abort(self) -> None:
        """End now."""
        if self._opening:
            self._opening.cancel()
        if self._is_ours:
            self._loop.remove_reader(self._connection)
            self._connection.close()
        self._leave()

    def _speak(self) -> None:
        self._loop.remove_reader(self._connection)
        self._acceptor.join(self)

    async def _open(self) -> None:
        self._is_ours = False
        try:
            await self._acceptor.connect(self._connection)
        except OSError:
            # Whoever does not come through the handshake is no client of ours, and hears of it from TLS.
            return
        finally:
            self._leave()

    def _leave(self) -> None:
        self.is_over = True
        if self._timer:
            self._timer.cancel()
        self._acceptor.leave(self)
