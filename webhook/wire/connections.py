"""HTTP exchanges over kept-alive connections: the engine under the registry client.

It knows nothing of registries: a request in, an answer or a fault out. Redirects, cookies, netrc and the environment
play no part. docs/decisions/0002-registry-client.md says why it is aiohttp.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL  # aiohttp's own type of URL, which is how it is told to leave one as it is

from webhook.registry.addresses import Address
from webhook.registry.exchange import AddressRefused, Answer, BrokenAnswer, NameNotFound, Reply, TimedOut, TlsFailed
from webhook.registry.request import Request
from webhook.turns import Turns
from webhook.wire.faults import CAUGHT, FaultError, read_exhaustion, read_fault
from webhook.wire.keeping import IDLE_SECONDS, Connector

MAX_HEADER_LINES = 128
"""Registries send below 30."""
MAX_HEADER_BYTES = 64 * 1024
"""All lines together; a bearer challenge or a signed blob URL is below 4 KiB."""
MAX_LINE_BYTES = 16 * 1024
"""One line."""
RECEIVE_BUFFER_BYTES = 64 * 1024
"""The kernel's. By itself it grows to 6 MiB for a registry that sends without end, and the loop reads all of it in one
turn while reviews wait; registries' answers are a few KiB."""
LARGE_BYTES = 64 * 1024
"""Manifests are smaller, but for indexes of hundreds of platforms."""
_CHUNK_BYTES = 64 * 1024

AddressInfo: TypeAlias = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class Door(Protocol):
    """What lets through to addresses; `wire.guard` has its form."""

    judge: Callable[[Address], AddressRefused | None]

    async def find(self, host: str) -> tuple[Address, ...] | AddressRefused | NameNotFound | TimedOut:
        """Find the addresses of a host that may be connected to; OSError when nobody could be asked."""


class Authorities(Protocol):
    """What makes TLS contexts; `wire.trust` has its form."""

    def context(self, ca_files: tuple[str, ...] = (), *, skip_verify: bool = False) -> ssl.SSLContext:
        """Return the context for an endpoint; OSError when a file cannot be read."""


class Connections:
    """Connections to registries, kept alive between requests; as many at once as are asked for (callers limit).

    Must be made and closed inside the event loop that uses it.
    """

    def __init__(
        self, door: Door, authorities: Authorities, *, connect_seconds: float, response_seconds: float
    ) -> None:
        self._authorities = authorities
        self._connect_seconds = connect_seconds
        self._response_seconds = response_seconds
        self._turns = Turns()
        self._direct = _Sessions(_Resolver(door), _guarded(door))
        # The proxy's own address is the administrator's choice; what it connects to it must judge itself.
        self._proxied = _Sessions(None, None)

    async def close(self) -> None:
        """Close every connection."""
        await self._direct.close()
        await self._proxied.close()

    async def exchange(self, request: Request) -> Reply:
        """Send one request and read its answer, within the connect timeout and then the response timeout.

        The response timeout covers everything from the connection's being ready to the body's last byte, so that a
        server that drips gains nothing. A kept connection may close at the moment of its use, unseen or together with
        all others to that server: what had no answer on one, or not all of its head, is sent again, on a new one in the
        end. That goes for a POST as well, since it asks for a token, and asking twice changes nothing.
        """
        try:
            trust = self._authorities.context(request.ca_files, skip_verify=request.skip_verify)
        except OSError as error:
            return read_exhaustion(error) or TlsFailed("unknown authority")
        progress = _Progress()
        try:
            async with asyncio.timeout(None) as bound:
                progress.start(bound, self._connect_seconds, self._response_seconds)
                try:
                    return await self._send(self._sessions(request).kept, request, trust, progress)
                except aiohttp.ClientConnectionError:
                    if not progress.is_reused:
                        raise
                    return await self._send(self._sessions(request).fresh, request, trust, progress)
        except CAUGHT as error:
            fault = read_fault(error, is_proxied=request.proxy is not None)
            return replace(fault, while_connecting=not progress.is_connected) if isinstance(fault, TimedOut) else fault

    def _sessions(self, request: Request) -> "_Sessions":
        return self._direct if request.proxy is None else self._proxied

    async def _send(
        self, session: aiohttp.ClientSession, request: Request, trust: ssl.SSLContext, progress: "_Progress"
    ) -> Reply:
        async with session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body,
            ssl=trust,
            proxy=request.proxy,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
            if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
                return BrokenAnswer()
            body, is_complete = await _read(response.content, request.max_body_bytes, self._turns)
            # Nobody asked for an encoding, and what decodes may explode (a gzip bomb grows a thousandfold).
            if body and response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
                return BrokenAnswer()
            return Answer(response.status, headers, body, is_complete)


class _Progress:
    """Moves a request's time limit on: so long for the connection, then so long for the answer."""

    is_connected = False
    is_reused = False
    """Whether the connection had served before."""

    def start(self, bound: asyncio.Timeout, connect_seconds: float, response_seconds: float) -> None:
        self._bound, self._connect_seconds, self._response_seconds = bound, connect_seconds, response_seconds
        self._last = asyncio.get_running_loop().time() + connect_seconds + response_seconds
        self.connecting()

    def connecting(self) -> None:
        self.is_connected = self.is_reused = False
        self._allow(self._connect_seconds)

    def connected(self) -> None:
        self.is_connected = True
        self._allow(self._response_seconds)

    def reused(self) -> None:
        self.is_reused = True
        self.connected()

    def _allow(self, seconds: float) -> None:
        self._bound.reschedule(min(self._last, asyncio.get_running_loop().time() + seconds))


async def _read(content: aiohttp.StreamReader, limit_bytes: int, turns: Turns) -> tuple[bytes, bool]:
    """Read a body, and whether that is all of it; one that is large in turns, while the others' connections rest.

    Of one beyond the limit the beginning is enough: it is read on to know that it is.
    """
    body = bytearray()
    while len(body) <= limit_bytes:
        if len(body) >= LARGE_BYTES:
            await turns.take()
        chunk = await content.read(min(_CHUNK_BYTES, limit_bytes + 1 - len(body)))
        if not chunk:
            return bytes(body), True
        body += chunk
    del body[min(limit_bytes, LARGE_BYTES) :]
    return bytes(body), False


class _Resolver(AbstractResolver):
    """aiohttp's resolver hook; it is not asked for literal addresses, which `_guarded` catches."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._door.find(host)
        if not isinstance(found, tuple):
            raise FaultError(found)
        return [
            ResolveResult(hostname=host, host=str(address), port=port, family=family, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        """Own nothing: the guard is closed by who made it."""


def _guarded(door: Door) -> Callable[[AddressInfo], socket.socket]:
    def open_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        refusal = door.judge(ip_address(where[0]))
        if refusal is not None:
            raise FaultError(refusal)
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        return opened

    return open_socket


class _Sessions:
    """Two ways to the same servers: over connections that are kept, and over a new one that is not."""

    def __init__(
        self, resolver: AbstractResolver | None, socket_factory: Callable[[AddressInfo], socket.socket] | None
    ) -> None:
        connector = partial(Connector, limit=0, resolver=resolver, use_dns_cache=False, socket_factory=socket_factory)
        self.kept = _session(connector(keepalive_timeout=IDLE_SECONDS))
        self.fresh = _session(connector(force_close=True))

    async def close(self) -> None:
        await self.kept.close()
        await self.fresh.close()


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        timeout=aiohttp.ClientTimeout(),
        trace_configs=[_progress_signals()],
        max_headers=MAX_HEADER_LINES,
        max_field_size=MAX_LINE_BYTES,
        max_line_size=MAX_LINE_BYTES,
    )


def _progress_signals() -> aiohttp.TraceConfig:
    signals = aiohttp.TraceConfig()

    def tell(event: str) -> Callable[[aiohttp.ClientSession, SimpleNamespace, object], Awaitable[None]]:
        async def on_event(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
            getattr(context.trace_request_ctx, event)()

        return on_event

    signals.on_connection_create_start.append(tell("connecting"))
    signals.on_connection_create_end.append(tell("connected"))
    signals.on_connection_reuseconn.append(tell("reused"))
    return signals
