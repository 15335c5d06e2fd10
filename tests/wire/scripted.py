"""A server that does exactly what a test tells it, and the registry client under test before it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs.issue import authority, leaf
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import FetchManifest
from webhook.registry.proxies import read_proxies
from webhook.shortcuts import Shortcuts
from webhook.wire.connections import Connections
from webhook.wire.guard import Guard, look_up_host
from webhook.wire.registries import Registries, ignore
from webhook.wire.trust import Trust

RULES = Destinations(registrable_domain=lambda _: None, loopback=True)
DIGEST = "sha256:" + "a" * 64
OK = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: " + DIGEST.encode() + b"\r\nContent-Length: 2\r\n\r\n"
HOUR = timedelta(hours=1)

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What came in: the heads of requests with their bodies, and how many connections they took."""

    port: int = 0
    scheme: str = "http"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/v2/app/manifests/1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


def always(answer: bytes) -> Script:
    async def script(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return script


@asynccontextmanager
async def listening(converse: Converse, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Hold every connection by a coroutine of reader and writer; yields the port."""
    held: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        held[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await converse(reader, writer)
        writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, backlog=4096)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task, writer in held.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*held, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve every request of every connection by the script, until it closes the connection."""
    server = Server(scheme="https" if tls else "http")

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        while not writer.is_closing():
            request = await read_request(reader)
            server.requests.append(request)
            await script(request, writer)
            await writer.drain()

    async with listening(converse, tls=tls) as server.port:
        yield server


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + (await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b"")


@asynccontextmanager
async def registries(
    *,
    rules: Destinations = RULES,
    environment: dict[str, str] | None = None,
    look_up: Callable[[str], list[str]] = look_up_host,
    ca_files: tuple[str, ...] = (),
    connect_seconds: float = 2.0,
    response_seconds: float = 2.0,
    per_registry: int = 8,
    observe=ignore,
) -> AsyncIterator[Registries]:
    """The registry client, put together as the webhook does it."""
    guard = Guard(rules.judge_address, timeout_seconds=connect_seconds, look_up=look_up)
    connections = Connections(
        guard, Trust(ca_files), connect_seconds=connect_seconds, response_seconds=response_seconds
    )
    try:
        yield Registries(
            connections,
            judge_url=rules.judge_url,
            find_proxy=read_proxies(environment or {}).find,
            per_registry=per_registry,
            shortcuts=Shortcuts(b"key", seconds=3600, entries=100),
            observe=observe,
        )
    finally:
        await connections.close()
        guard.close()


def manifest(url: str, *, method="HEAD", **fields) -> FetchManifest:
    return FetchManifest(endpoint=Endpoint(url=url), url=url, method=method, **fields)


def trusting(intent, **trust):
    return replace(intent, endpoint=replace(intent.endpoint, **trust))


class Certificates:
    """An authority in a folder, and servers' certificates that it signed."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime.now(UTC)
        self.folder = folder
        self.authority = authority(begin=self.now - 60 * 24 * HOUR, end=self.now + 60 * 24 * HOUR)
        self.file = folder / "ca.crt"
        self.file.write_bytes(self.authority.certificate)

    def context(self, *names: str, begin: datetime | None = None, end: datetime | None = None) -> ssl.SSLContext:
        pair = leaf(
            self.authority,
            names or ["127.0.0.1", "localhost", "registry.example"],
            begin=begin or self.now - HOUR,
            end=end or self.now + HOUR,
        )
        certificate = self.folder / "server.pem"
        certificate.write_bytes(pair.certificate + pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context
