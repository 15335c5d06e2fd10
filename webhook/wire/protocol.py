"""An HTTP/1.1 connection as uvicorn makes it, with the bounds that uvicorn leaves to others."""

import asyncio
import logging
import select
from asyncio import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from webhook.wire.certificates import peer_names
from webhook.wire.crowd import Crowd, Standing
from webhook.wire.keyupdates import bound_key_updates

MAX_HEADER_BYTES = 16 * 1024
"""As Node.js; Go takes 1 MiB, httptools 16 MiB. The API server sends some 400 bytes."""
MAX_HEADER_LINES = 100
"""As Apache, of all requests together that are not answered; the API server sends ten. In memory a line costs twenty
times its bytes."""
MAX_UNANSWERED = 4
"""Requests of one connection; uvicorn would read on as long as there is anything to read. Go's client sends none before
it has the answer to the last."""
FRAMING_SHARE = 0.125
"""Of a chunked body's content, what may come as sizes of chunks and as trailers, beside as much as a header may be:
chunks of a byte cost five more and a call each, and a trailer is collected without end."""
MAX_KEPT_ALIVE_BYTES = 128 * 1024
"""Of a request: a connection that carried more is closed after its answer, since uvloop keeps up to 256 KiB of memory
for it. Reviews are that large when their objects are, and a new handshake is less work than such a review."""
MAX_CLOSING_SECONDS = 1
"""What a peer has for its part of a TLS goodbye; uvloop would wait 30 s, and the process with it."""
_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class Terms:
    """What holds for every connection of a listener."""

    crowd: Crowd
    max_request_seconds: float
    """From a request's first byte to its last, and as much for the peer to take an answer that it lets wait."""
    client_names: frozenset[str] = frozenset()
    """One of them must be the common name or an alternative name of the client's certificate; empty: any will do."""
    is_draining: bool = False
    """Whether every answer says `Connection: close`, so that who uses the connection moves on to another server."""


class BoundedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection whose header, slowness, idleness and goodbye are bounded, and whose client is known.

    It tells the application in `scope["state"]["headers_complete_at"]` at which time of the loop's clock a request's
    header was complete.
    """

    terms: Terms
    """Of its listener; each listener has a class of its own."""

    _is_in_header = False
    _end: Callable[[], None] | None = None
    """How this connection ends, where the parser was told to stop."""
    _header_lines = 0
    _header_bytes = 0
    """Of the lines of the header that are complete."""
    _read_bytes = 0
    """Of what was read while the header had begun and not ended: the parser says nothing of a line before its end."""
    _body_bytes = 0
    _framing_bytes = 0
    """Of what was read of the body and is not its content; none of that which came together with the header."""
    _is_fresh = True
    """Until its first answer."""
    _is_in_message = False
    _unanswered = 0
    """Requests that are complete and not answered; more than one where a client does not wait for answers."""
    _request_timer: TimerHandle | None = None
    _goodbye_timer: TimerHandle | None = None
    _cycles: tuple[RequestResponseCycle, ...] = ()
    """Of the requests whose header is complete and that are not answered, the oldest first."""

    @property
    def peer(self) -> str:
        """The address at the other end; empty where there is none."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Turn away a client of another name; give others as long for the first request as for the next.

        The API server may open a connection, use another that became free meanwhile, and come back to this one.
        """
        super().connection_made(transport)
        self._take_place()
        if tls := transport.get_extra_info("ssl_object"):
            bound_key_updates(tls, self.abort)
        names = self.terms.client_names
        if names and names.isdisjoint(peer_names(tls)):
            _LOGGER.warning("a client was turned away: its certificate bears none of tls.client_names")
            self._close()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_request_timer()
        self.terms.crowd.leave(self)
        super().connection_lost(exc)
        for cycle in self._cycles:
            # uvicorn tells the newest one only, and an older one would write to what is closed.
            cycle.disconnected = True
            cycle.message_event.set()
        self._cycles = ()
        self.pipeline.clear()
        if self._goodbye_timer:
            self._goodbye_timer.cancel()
        # What knows itself waits for the garbage collector, and the 256 KiB that a TLS connection reads into with it.
        self._end = self.cycle = None  # type: ignore[assignment]
        # Only without a fault does uvicorn do so, and the timer would keep this connection in memory.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Read what came, unless the connection is being closed; stop at a header that has grown too large."""
        if self.transport.is_closing():
            return
        if self._request_timer is None:
            self._start_request_timer()
        request = self.scope if self._is_in_message else None
        was_in_header, content_bytes = self._is_in_header, self._body_bytes
        super().data_received(data)
        if self.scope is request and self._is_in_message and not self.transport.is_closing():
            self._count_overhead(len(data) - (self._body_bytes - content_bytes), was_in_header=was_in_header)

    def on_message_begin(self) -> None:
        """Start to count a request, and its time."""
        super().on_message_begin()
        self._is_in_header = self._is_in_message = True
        if not self._cycles:
            self._header_lines = 0
        self._header_bytes = self._read_bytes = self._body_bytes = self._framing_bytes = 0
        self._start_request_timer()
        self._take_place()

    def on_url(self, url: bytes) -> None:
        """Count the target."""
        super().on_url(url)
        self._header_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header with its colon, space and line end."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value) + 4
        self._header_lines += 1
        if self._header_lines > MAX_HEADER_LINES:
            self._stop(self._refuse_header)

    def on_headers_complete(self) -> None:
        """Note when the header was complete, or refuse one that came at once and is too large."""
        self._is_in_header = False
        if self._header_bytes > MAX_HEADER_BYTES:
            self._stop(self._refuse_header)
        if len(self._cycles) == MAX_UNANSWERED:
            self._stop(self._close)
        self.scope["state"]["headers_complete_at"] = self.loop.time()
        super().on_headers_complete()
        self._cycles += (self.cycle,)
        if self.terms.is_draining:
            self._let_go()

    def on_body(self, body: bytes) -> None:
        """Count a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the request's time: what follows is ours."""
        self._is_in_message = False
        if not self.flow.write_paused:
            self._stop_request_timer()
        if self._body_bytes > MAX_KEPT_ALIVE_BYTES or self.terms.crowd.is_larger_than_the_quiet_may_be:
            self._let_go()
        if self.cycle and not self.cycle.response_complete:
            self._unanswered += 1
        super().on_message_complete()
        self._take_place()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP and close, or end as was decided when the parser was stopped."""
        if self._end:
            self._end()
        else:
            super().send_400_response(msg)
            self._bound_goodbye()

    def on_response_complete(self) -> None:
        """Go on to the next request, or end."""
        self._is_fresh = False
        self._cycles = self._cycles[1:]
        self._unanswered = max(0, self._unanswered - 1)
        super().on_response_complete()
        self._bound_goodbye()
        self._take_place()
        if not self._unanswered and not self._is_in_message:
            # A connection that only waits need not keep what it last asked and was answered.
            self.cycle = self.scope = self.headers = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        """Give a peer that does not read as long as one that does not write."""
        super().pause_writing()
        if self._request_timer is None:
            self._start_request_timer()
        self._take_place()

    def resume_writing(self) -> None:
        """Go on with a peer that reads again."""
        super().resume_writing()
        if not self._is_in_message:
            self._stop_request_timer()
        self._take_place()

    def drain(self) -> None:
        """Let the answer that is being made, if there is one, be the last."""
        if self.cycle and not self.cycle.response_complete:
            self._let_go()

    def shutdown(self) -> None:
        """End now if idle, else after the answer that is being made, or after the one to what came in this moment.

        A request that the kernel has and we have not read is lost with the connection, and the API server repeats no
        POST. Whoever drains makes its answer the last.
        """
        if not self._has_unread():
            super().shutdown()
            self._bound_goodbye()

    def abort(self) -> None:
        """End now, without a goodbye."""
        self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that has been idle for too long."""
        self._close()

    def _has_unread(self) -> bool:
        connection = self.transport.get_extra_info("socket")
        if connection is None:  # It has just been lost, and we are about to be told.
            return True
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def _let_go(self) -> None:
        self.cycle.keep_alive = False

    def _take_place(self) -> None:
        """Tell the crowd what this connection is about. Whoever does not take its answers is not worked for."""
        is_stuck = self.flow.write_paused or self.transport.is_closing()
        if self._unanswered and not is_stuck:
            standing = Standing.WORKING
        elif self._is_fresh or self._is_in_message or is_stuck:
            standing = Standing.UNFINISHED
        else:
            standing = Standing.IDLE
        self.terms.crowd.place(self, standing, self.loop.time())

    def _stop(self, end: Callable[[], None]) -> None:
        self._end = end
        raise ValueError("the parser stops here and has send_400_response called")

    def _refuse_header(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: 23\r\nconnection: close\r\n\r\nthe header is too large"
        )
        self._close()

    def _count_overhead(self, size_bytes: int, *, was_in_header: bool) -> None:
        """Count what came of a request and is no content, and refuse it when that has grown too large."""
        if self._is_in_header:
            self._read_bytes += size_bytes
        elif not was_in_header:
            self._framing_bytes += size_bytes
        most_bytes = MAX_HEADER_BYTES + FRAMING_SHARE * self._body_bytes
        if self._read_bytes > MAX_HEADER_BYTES or self._framing_bytes > most_bytes:
            self._refuse_header()

    def _start_request_timer(self) -> None:
        self._stop_request_timer()
        self._request_timer = self.loop.call_later(self.terms.max_request_seconds, self._close)

    def _stop_request_timer(self) -> None:
        if self._request_timer:
            self._request_timer.cancel()
            self._request_timer = None

    def _close(self) -> None:
        self.transport.close()
        self._bound_goodbye()

    def _bound_goodbye(self) -> None:
        if self.transport.is_closing() and self._goodbye_timer is None:
            self._goodbye_timer = self.loop.call_later(MAX_CLOSING_SECONDS, self.transport.abort)
