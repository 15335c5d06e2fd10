"""Serves the two applications over HTTP/1.1, with the bounds that uvicorn leaves to others."""

import asyncio
import contextlib
import logging
import socket
import ssl
from asyncio import TimerHandle
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_ALIVE_SECONDS = 120
"""The API server keeps an idle connection for 90 s (Go's http.DefaultTransport) and does not repeat a lost POST."""
MAX_HEADER_BYTES = 64 * 1024
"""As h11; Go takes 1 MiB, httptools 16 MiB. The API server sends some 400 bytes."""
MAX_REQUEST_SECONDS = 30
"""From a request's first byte to its last: the API server itself waits no longer (`timeoutSeconds` is at most 30)."""
MAX_CLOSING_SECONDS = 1
"""What a peer has for its part of a TLS goodbye; uvloop would wait 30 s, and the process with it."""
BACKLOG = 2048
"""Connections that wait to be accepted; the API server opens one for each call in flight."""
_LOGGER = logging.getLogger(__name__)

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


class BoundedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection whose header, slowness, idleness and goodbye are bounded, and whose client is known.

    It tells the application in `scope["state"]["headers_complete_at"]` at which time of the loop's clock a request's
    header was complete.
    """

    listener: Listener
    """Whose connection it is; each listener has a class of its own."""

    _is_in_header = False
    _is_header_too_large = False
    _header_bytes = 0
    """Of the lines of the header that are complete."""
    _read_bytes = 0
    """Of what was read while the header had begun and not ended: the parser says nothing of a line before its end."""
    _request_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Turn away a client of another name; give others as long for the first request as for the next.

        The API server may open a connection, use another that became free meanwhile, and come back to this one.
        """
        super().connection_made(transport)
        names = self.listener.client_names
        if names and names.isdisjoint(_peer_names(transport)):
            _LOGGER.warning("a client was turned away: its certificate bears none of tls.client_names")
            self._close()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_request_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, unless the connection is being closed; stop at a header that has grown too large."""
        if self.transport.is_closing():
            return
        if self._request_timer is None:
            self._start_request_timer()
        header = self.scope if self._is_in_header else None
        super().data_received(data)
        if self._is_in_header and self.scope is header:
            self._read_bytes += len(data)
            if self._read_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
                self._refuse_header()

    def on_message_begin(self) -> None:
        """Start to count a request, and its time."""
        super().on_message_begin()
        self._is_in_header = True
        self._header_bytes = self._read_bytes = 0
        self._start_request_timer()

    def on_url(self, url: bytes) -> None:
        """Count the target."""
        super().on_url(url)
        self._header_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header with its colon, space and line end."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        """Note when the header was complete, or refuse one that came at once and is too large."""
        self._is_in_header = False
        if self._header_bytes > MAX_HEADER_BYTES:
            self._is_header_too_large = True
            raise ValueError("the parser stops here and has send_400_response called")
        self.scope["state"]["headers_complete_at"] = self.loop.time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the request's time: what follows is ours."""
        self._stop_request_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or has too large a header, and close."""
        if self._is_header_too_large:
            self._refuse_header()
        else:
            super().send_400_response(msg)
            self._bound_goodbye()

    def on_response_complete(self) -> None:
        """Go on to the next request, or end."""
        super().on_response_complete()
        self._bound_goodbye()

    def shutdown(self) -> None:
        """End now if idle, else after the answer that is being made."""
        super().shutdown()
        self._bound_goodbye()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that has been idle for too long."""
        self._close()

    def _refuse_header(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: 23\r\nconnection: close\r\n\r\nthe header is too large"
        )
        self._close()

    def _start_request_timer(self) -> None:
        self._stop_request_timer()
        self._request_timer = self.loop.call_later(self.listener.max_request_seconds, self._close)

    def _stop_request_timer(self) -> None:
        if self._request_timer:
            self._request_timer.cancel()
            self._request_timer = None

    def _close(self) -> None:
        self.transport.close()
        self._bound_goodbye()

    def _bound_goodbye(self) -> None:
        if self.transport.is_closing():
            self.loop.call_later(MAX_CLOSING_SECONDS, self.transport.abort)


class _Server(uvicorn.Server):
    """A server that says when it has started, and leaves the signals to whoever runs several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    reviews: Listener,
    probes: Listener,
    *,
    stopping: asyncio.Event,
    grace_seconds: int,
    on_serving: Callable[[str, str], None],
) -> None:
    """Serve until told to stop, then finish the reviews in flight.

    Args:
        reviews: Where the API server posts to.
        probes: Served from before the first review until after the last one.
        stopping: Set by somebody when it is time to stop.
        grace_seconds: What reviews in flight have at most, once no more are accepted.
        on_serving: Told the two addresses (`127.0.0.1:8443`) once both are served.

    Raises:
        ListenError: An address cannot be listened on.
    """
    with _listening(reviews) as reviews_socket, _listening(probes) as probes_socket:
        judging, probing = _server(reviews, grace_seconds), _server(probes, grace_seconds)
        async with asyncio.TaskGroup() as group:
            group.create_task(probing.serve([probes_socket]))
            judged = group.create_task(judging.serve([reviews_socket]))
            await asyncio.gather(judging.has_started.wait(), probing.has_started.wait())
            on_serving(_address(reviews_socket), _address(probes_socket))
            await stopping.wait()
            judging.should_exit = True
            await judged
            probing.should_exit = True


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the event loop that uvicorn has fastest, uvloop."""
    factory = uvicorn.Config("", loop="uvloop", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def _server(listener: Listener, grace_seconds: int) -> _Server:
    tls = listener.tls
    return _Server(
        uvicorn.Config(
            listener.application,
            loop="uvloop",
            http=type("_Protocol", (BoundedProtocol,), {"listener": listener}),
            ws="none",
            interface="asgi3",
            lifespan="off",
            workers=1,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
            timeout_keep_alive=listener.keep_alive_seconds,
            timeout_graceful_shutdown=grace_seconds,
            backlog=BACKLOG,
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
        )
    )


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


def _peer_names(transport: asyncio.Transport) -> set[str]:
    """Read the common names and alternative names of the client's verified certificate; none where it showed none."""
    peer: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    certificate: dict[str, Any] = (peer.getpeercert() if peer else None) or {}
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    return {value for kind, value in subject if kind == "commonName"} | {
        value for _, value in certificate.get("subjectAltName", ())
    }


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return _joined(host, port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
