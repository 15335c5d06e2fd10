"""Accepts connections, no more at once than there is room for, and shakes hands with those who begin to."""

import asyncio
import errno
import logging
import resource
import select
import socket
import ssl
from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable
from itertools import islice

from webhook.wire.arrival import Arrival
from webhook.wire.crowd import Crowd, Standing
from webhook.wire.exhaustion import EXHAUSTED
from webhook.wire.protocol import MAX_CLOSING_SECONDS

HANDSHAKE_SECONDS = 5.0
"""From the accept to the end of the handshake; the API server's client allows itself 10 s, and asyncio allows 60 s."""
ACCEPTS_PER_TURN = 16
"""Of the event loop: a burst of connections must not keep the reviews waiting."""
HEEDED_PER_TURN = 16
"""Of those who are silent and begin to speak, or go: thousands may do so at once."""
PAUSE_SECONDS = 0.02
"""Before another attempt, where there was no room or no file descriptor."""
RECEIVE_BUFFER_BYTES = 64 * 1024
"""The kernel's, of each connection; by itself it would grow to 6 MiB for whoever sends faster than we read."""
SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's too: several answers, of whoever asks on without reading them."""
MAX_OPEN_FILES = 4096
"""What this process asks the system for: more than the connections that it accepts and those that it opens."""
_LOGGER = logging.getLogger(__name__)


def raise_open_files() -> int:
    """Have as many files open as `MAX_OPEN_FILES`, or as many as the system allows; returns how many of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Acceptor:
    """Accepts what comes to a listening socket, from `start` to `close`.

    It stands where uvicorn expects a server of asyncio's, which takes any number of connections. With TLS, a connection
    that has said nothing costs a file descriptor and little else: its handshake begins when the whole of its first
    record is there. Handshakes begin one in each turn of the event loop, since each is half a millisecond of computing
    in which reviews wait; the peers take turns.
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
        self._arrivals: set[Arrival] = set()
        self._lines: dict[str, deque[Arrival]] = {}
        """Of those whose handshake is for us to begin, one for each peer; the peer whose turn it is comes first."""
        self._is_shaking_hands = False
        """Whether one has begun in this turn of the event loop, or in the last."""
        self._next_try: TimerHandle | None = None
        """Where nobody may begin one for the moment."""
        self._silent = select.epoll()
        """Of their own, since the event loop would heed all of them in one turn."""
        self._heard: dict[int, Arrival] = {}

    def start(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._loop.add_reader(self._silent.fileno(), self._heed_some)
        self._resume()

    def close(self) -> None:
        """Accept no more, and end what is not yet a connection."""
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._listening)
        self._loop.remove_reader(self._silent.fileno())
        for arrival in tuple(self._arrivals):
            arrival.abort()
        self._silent.close()

    async def wait_closed(self) -> None:
        """Return at once: nothing is left after `close`."""

    def hear(self, arrival: Arrival) -> None:
        """Have somebody called when its socket can be read."""
        self._heard[arrival.fileno()] = arrival
        self._silent.register(arrival.fileno(), select.EPOLLIN)

    def hear_no_more(self, arrival: Arrival) -> None:
        """End what `hear` began, before the socket is closed or handed on."""
        if self._heard.pop(arrival.fileno(), None):
            self._silent.unregister(arrival.fileno())

    def join(self, arrival: Arrival) -> None:
        """Let somebody wait for the handshake."""
        self._crowd.place(arrival, Standing.WAITING, self._loop.time())
        self._lines.setdefault(arrival.peer, deque()).append(arrival)
        if not self._is_shaking_hands:
            self._shake_hands()

    def leave(self, arrival: Arrival) -> None:
        """Forget somebody who became a connection, or never will."""
        self._arrivals.discard(arrival)
        self._crowd.leave(arrival)

    async def connect(self, connection: socket.socket, on_made: Callable[[], None]) -> None:
        """Make a connection of a socket; it is the transport's to close from here on, however this ends."""
        # Who is ended in the moment in which the handshake ends is told goodbye. Without TLS, no bounds are taken.
        bounds = (self._handshake_seconds, MAX_CLOSING_SECONDS) if self._tls else (None, None)
        handshake_seconds, goodbye_seconds = bounds
        await self._loop.connect_accepted_socket(
            lambda: _Doorman(self._make_protocol, on_made),
            connection,
            ssl=self._tls,
            ssl_handshake_timeout=handshake_seconds,
            ssl_shutdown_timeout=goodbye_seconds,
        )

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept_some)

    def _rest(self) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _heed_some(self) -> None:
        for descriptor, _ in self._silent.poll(0, HEEDED_PER_TURN):
            self._heard[descriptor].speak()

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
            connection, address = self._listening.accept()
        except OSError as fault:
            if fault.errno in EXHAUSTED:
                _LOGGER.warning("no connection can be accepted now: %s", errno.errorcode[fault.errno])
                self._crowd.end_any()
                self._rest()
            # Anything else is about that one connection, which is gone: the next one may be well.
            return not isinstance(fault, BlockingIOError) and fault.errno not in EXHAUSTED
        arrival = Arrival(self, connection, address[0])
        self._arrivals.add(arrival)
        self._crowd.place(arrival, Standing.SILENT, self._loop.time())
        arrival.begin(self._loop, self._handshake_seconds, has_handshake=self._tls is not None)
        return True

    def _shake_hands(self) -> None:
        """Begin the next handshake, if anybody may begin one; come back in the next turn, or after a while."""
        if self._next_try:
            self._next_try.cancel()
            self._next_try = None
        self._is_shaking_hands = False
        try:
            self._is_shaking_hands = self._begin_next()
        finally:
            # Whatever went wrong with one, the others still wait.
            self._come_back()

    def _come_back(self) -> None:
        if self._is_shaking_hands:
            self._loop.call_soon(self._shake_hands)
        elif self._lines:
            self._next_try = self._loop.call_later(PAUSE_SECONDS, self._shake_hands)

    def _begin_next(self) -> bool:
        """Begin the next handshake; false where nobody waits for one, or nobody may begin one."""
        self._pass_over()
        now = self._loop.time()
        # Where two peers have to wait, the crowd has no room for any.
        peer = next((peer for peer in islice(self._lines, 2) if self._crowd.let_begin(now, peer)), None)
        if peer is None:
            return False
        arrival = self._take_next(peer)
        self._crowd.place(arrival, Standing.UNFINISHED, now)
        arrival.open()
        return True

    def _pass_over(self) -> None:
        """Forget those in front who are gone: nobody has to make room for them."""
        for peer, line in tuple(self._lines.items()):
            while line and line[0].is_over:
                line.popleft()
            if not line:
                del self._lines[peer]

    def _take_next(self, peer: str) -> Arrival:
        """Take the first one of a peer, which goes behind the others."""
        line = self._lines.pop(peer)
        arrival = line.popleft()
        if line:
            self._lines[peer] = line
        return arrival


class _Doorman(asyncio.Protocol):
    """Stands in for a connection's protocol until the handshake is done.

    The protocol that waited for it itself would be left to the garbage collector where it never comes, and that one
    keeps everybody waiting.
    """

    def __init__(self, make_protocol: Callable[[], asyncio.Protocol], on_made: Callable[[], None]) -> None:
        self._make_protocol = make_protocol
        self._on_made = on_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._on_made()
        protocol = self._make_protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
