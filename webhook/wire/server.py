"""Serves the two applications over HTTP/1.1, each within bounds, and takes leave of those who use them."""

import asyncio
import contextlib
import functools
import logging
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from webhook.restraint import Restraint
from webhook.wire.acceptor import HANDSHAKE_SECONDS, Acceptor, raise_open_files
from webhook.wire.crowd import Crowd
from webhook.wire.loop import Loop
from webhook.wire.protocol import MAX_CLOSING_SECONDS, BoundedProtocol, Terms

KEEP_ALIVE_SECONDS = 120
"""The API server keeps an idle connection for 90 s (Go's http.DefaultTransport) and does not repeat a lost POST."""
MAX_REQUEST_SECONDS = 30
"""From a request's first byte to its last: the API server itself waits no longer (`timeoutSeconds` is at most 30)."""
MAX_QUIET_CONNECTIONS = 512
"""Connections without a complete request. Each of the API servers keeps up to 25 (client-go). One costs 28 KiB of
memory, or 94 KiB with half a body: 48 MiB at most."""
MAX_CONNECTIONS = 1408
"""These, and those with a review each: the API server opens a connection for each call in flight."""
MAX_SILENT_CONNECTIONS = 1408
"""Connections that have not begun a handshake, beside all others: as many again, since a busy API server opens all that
it wants before it says anything."""
SILENT_SHARE, QUIET_SHARE, ALL_SHARE = 0.35, 0.25, 0.375
"""Of the files that may be open, where the system allows few: the rest is for registries, the cluster and probes."""
BACKLOG = 2048
"""Connections that wait to be accepted; the API server opens one for each call in flight."""
TURN_SECONDS = 0.01
"""Between two looks at what is still open at the end."""

Application = Callable[..., Coroutine[Any, Any, None]]


class ListenError(Exception):
    """An address cannot be listened on; the text is one line: the address and the system's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An application, and where and for whom it is served."""

    application: Application
    host: str
    """An address or a name; `::` takes IPv4 too."""
    port: int
    """0: any that is free."""
    tls: ssl.SSLContext | None = None
    client_names: frozenset[str] = frozenset()
    """One of them must be the common name or an alternative name of the client's certificate; empty: any will do."""
    keep_alive_seconds: int = KEEP_ALIVE_SECONDS
    max_request_seconds: float = MAX_REQUEST_SECONDS
    handshake_seconds: float = HANDSHAKE_SECONDS
    max_silent: int = MAX_SILENT_CONNECTIONS
    max_quiet: int = MAX_QUIET_CONNECTIONS
    max_connections: int = MAX_CONNECTIONS


class _SeldomWarnings(logging.Filter):
    """Holds back warnings of what strangers do on their connections, except for about one a second."""

    def __init__(self) -> None:
        super().__init__()
        self._restraint = Restraint()

    def filter(self, record: logging.LogRecord) -> bool:
        held_back = self._restraint.admit(time.monotonic()) if record.levelno == logging.WARNING else 0
        if held_back:
            record.msg, record.args = f"{record.getMessage()} ({held_back} more since the last such line)", ()
        return held_back is not None


_LOGGERS = ("uvicorn.error", Acceptor.__module__, BoundedProtocol.__module__)
_SELDOM_WARNINGS = {name: _SeldomWarnings() for name in _LOGGERS}


class _Server(uvicorn.Server):
    """A server that accepts within bounds, says when it has started, and leaves the signals to whoever runs several."""

    def __init__(self, config: uvicorn.Config, terms: Terms, handshake_seconds: float) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()
        self._terms = terms
        self._handshake_seconds = handshake_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        make_protocol = functools.partial(make, config=self.config, server_state=self.server_state, app_state={})
        acceptors = [
            Acceptor(listening, make_protocol, self.config.ssl, self._terms.crowd, self._handshake_seconds)
            for listening in sockets or ()
        ]
        for acceptor in acceptors:
            acceptor.start()
        self.servers = acceptors  # type: ignore[assignment]
        self.started = True
        self.has_started.set()

    def drain(self) -> None:
        """Have every answer from now on end its connection; new connections are still accepted."""
        self._terms.is_draining = True
        for connection in self.server_state.connections:
            if isinstance(connection, BoundedProtocol):
                connection.drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Whoever has not let go by now would still be there when the event loop closes, and it cannot close then.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_CLOSING_SECONDS):
                await self._abort_all()

    async def _abort_all(self) -> None:
        connections = self.server_state.connections
        while connections:
            for connection in tuple(connections):
                connection.transport.abort()
            await asyncio.sleep(TURN_SECONDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Stopping:
    """When the end begins, and how long everything is still served from then on."""

    def __init__(self, delay_seconds: float = 0) -> None:
        """Take the delay: what it takes until nobody sends anything here any more."""
        self._delay_seconds = delay_seconds
        self._begun, self._hurried = asyncio.Event(), asyncio.Event()

    def tell(self) -> bool:
        """Begin the end; told again, end the delay. Returns whether this began it."""
        is_first = not self._begun.is_set()
        (self._begun if is_first else self._hurried).set()
        return is_first

    async def wait(self) -> None:
        """Wait for the end to begin."""
        await self._begun.wait()

    async def wait_out(self) -> None:
        """Wait for the delay to be over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._delay_seconds):
                await self._hurried.wait()


async def serve(
    reviews: Listener,
    probes: Listener,
    *,
    stopping: Stopping,
    grace_seconds: int,
    on_serving: Callable[[str, str], None],
) -> None:
    """Serve until told to stop, go on for as long as it says, then finish the reviews in flight.

    Args:
        reviews: Where the API server posts to.
        probes: Served from before the first review until after the last one.
        stopping: Told by somebody when it is time to stop.
        grace_seconds: What reviews in flight have at most, once no more are accepted.
        on_serving: Told the two addresses (`127.0.0.1:8443`) once both are served.

    Raises:
        ListenError: An address cannot be listened on.
    """
    for name, seldom in _SELDOM_WARNINGS.items():
        logging.getLogger(name).addFilter(seldom)
    open_files = raise_open_files()
    with _listening(reviews) as reviews_socket, _listening(probes) as probes_socket:
        judging, probing = (_server(listener, grace_seconds, open_files) for listener in (reviews, probes))
        async with asyncio.TaskGroup() as group:
            group.create_task(probing.serve([probes_socket]))
            judged = group.create_task(judging.serve([reviews_socket]))
            await asyncio.gather(judging.has_started.wait(), probing.has_started.wait())
            on_serving(_address(reviews_socket), _address(probes_socket))
            await stopping.wait()
            judging.drain()
            await stopping.wait_out()
            judging.should_exit = True
            await judged
            probing.drain()
            probing.should_exit = True


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the event loop of ours."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main)


def _server(listener: Listener, grace_seconds: int, open_files: int) -> _Server:
    tls = listener.tls
    terms = Terms(
        crowd=Crowd(
            max_silent=min(listener.max_silent, int(open_files * SILENT_SHARE)),
            max_quiet=min(listener.max_quiet, int(open_files * QUIET_SHARE)),
            max_all=min(listener.max_connections, int(open_files * ALL_SHARE)),
        ),
        max_request_seconds=listener.max_request_seconds,
        client_names=listener.client_names,
    )
    config = uvicorn.Config(
        listener.application,
        loop="uvloop",
        http=type("_Protocol", (BoundedProtocol,), {"terms": terms}),
        ws="none",
        interface="asgi3",
        lifespan="off",
        workers=1,
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        timeout_keep_alive=listener.keep_alive_seconds,
        timeout_graceful_shutdown=grace_seconds,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
    return _Server(config, terms, listener.handshake_seconds)


@contextlib.contextmanager
def _listening(listener: Listener) -> Iterator[socket.socket]:
    is_v6 = ":" in listener.host
    try:
        listening = socket.create_server(
            (listener.host, listener.port),
            family=socket.AF_INET6 if is_v6 else socket.AF_INET,
            backlog=BACKLOG,
            dualstack_ipv6=listener.host == "::",
        )
    except OSError as fault:
        # create_server adds "(while attempting to bind on address …)", which the line says already.
        reason = str(fault.strerror).partition(" (while")[0].lower()
        raise ListenError(f"{_joined(listener.host, listener.port)}: {reason}") from None
    with listening:
        yield listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return _joined(host, port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
