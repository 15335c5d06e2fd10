"""Measures the candidates for the registry client side by side, in one run: the storm, and throughput.

    .venv/bin/python -m tests.bench.registry_clients [--rounds 5] [--seconds 1.5]

Candidates: `stock`, httpx with its own pool; `httpcore`, the httpx interface over httpcore's pool, unbounded, with the
guard as its network backend; `adapter`, the httpx interface over aiohttp; `aiohttp`, wire/connections with no httpx.
Needs the package httpx besides the runtime's. The server is a process of its own on loopback that answers HEAD from
memory; client and server share the machine, so that figures compare candidates and promise nothing else.

The storm: 1,000 requests cancelled within 6 ms, then 5 plain ones, of which 5 must be answered; calm (connections are
kept) and harsh (the server closes after each answer). Throughput: HEAD for some seconds at concurrency 1, 16 and 64,
candidates interleaved in every round, order turned from round to round; the median of the rounds and the worst p99.
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, cast

import aiohttp
import httpcore
import httpx
import uvloop
from yarl import URL

from webhook.registry.destinations import Destinations
from webhook.registry.exchange import ACCEPT, Answer
from webhook.registry.request import Request
from webhook.wire.connections import Connections
from webhook.wire.guard import Guard
from webhook.wire.trust import Trust

Ask = Callable[[str], Awaitable[int]]
HEADERS = (("User-Agent", "pullcheck/bench"), ("Accept", ACCEPT), ("Accept-Encoding", "identity"))
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: 1024\r\n"
    b"Docker-Content-Digest: sha256:" + b"a" * 64 + b"\r\n\r\n"
)
STORM_REQUESTS = 1000
STORM_SECONDS = 0.006
SLOTS = 10
"""What the stock pool is bounded to: its own limit of 100 only leaks more slowly."""


# --- the server -----------------------------------------------------------------------------------------------------


class Server(asyncio.Protocol):
    def __init__(self, *, closes: bool) -> None:
        self.closes = closes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are of no such class

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            self.transport.write(ANSWER)
        if self.closes:
            self.transport.close()


def serve(pipe: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(partial(Server, closes=closes), "127.0.0.1", 0, backlog=4096)
            for closes in (False, True)
        ]
        pipe.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.Event().wait()

    uvloop.run(run())


# --- the candidates -------------------------------------------------------------------------------------------------


def guard() -> Guard:
    rules = Destinations(registrable_domain=lambda _: None, loopback=True)
    return Guard(rules.judge_address, timeout_seconds=1.5)


async def with_httpx(stack: AsyncExitStack, transport: httpx.AsyncBaseTransport | None) -> Ask:
    limits = httpx.Limits(max_connections=SLOTS, max_keepalive_connections=SLOTS)
    client = httpx.AsyncClient(trust_env=False, timeout=2.0, limits=limits, transport=transport)
    await stack.enter_async_context(client)

    async def ask(url: str) -> int:
        async with client.stream("HEAD", url, headers=HEADERS) as response:
            return response.status_code

    return ask


class GuardedBackend(httpcore.AnyIOBackend):
    def __init__(self, door: Guard) -> None:
        self.door = door

    async def connect_tcp(self, host: str, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        found = await self.door.find(host)
        assert isinstance(found, tuple)
        return await super().connect_tcp(str(found[0]), *arguments, **options)


class CoreStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self.response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self.response.aclose()


class CoreTransport(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.pool = httpcore.AsyncConnectionPool(
            max_connections=None, max_keepalive_connections=None, network_backend=GuardedBackend(guard())
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(str(request.url)),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=CoreStream(response))

    async def aclose(self) -> None:
        await self.pool.aclose()


class AiohttpStream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self.response.release()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Only what the comparison needs: the engine of wire/connections with httpx's types around it."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.connections._direct.kept.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            allow_redirects=False,
            trace_request_ctx=Ignored,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=AiohttpStream(response))


class Ignored:
    @staticmethod
    def connecting() -> None: ...

    @staticmethod
    def connected() -> None: ...

    reused = connected


async def connections(stack: AsyncExitStack) -> Connections:
    made = Connections(guard(), Trust(()), connect_seconds=1.5, response_seconds=2.0)
    stack.push_async_callback(made.close)
    return made


async def stock(stack: AsyncExitStack) -> Ask:
    return await with_httpx(stack, None)


async def over_httpcore(stack: AsyncExitStack) -> Ask:
    return await with_httpx(stack, CoreTransport())


async def adapter(stack: AsyncExitStack) -> Ask:
    return await with_httpx(stack, AiohttpTransport(await connections(stack)))


async def plain_aiohttp(stack: AsyncExitStack) -> Ask:
    engine = await connections(stack)

    async def ask(url: str) -> int:
        reply = await engine.exchange(Request(method="HEAD", url=url, headers=HEADERS, max_body_bytes=65536))
        assert isinstance(reply, Answer), reply
        return reply.status

    return ask


CANDIDATES: dict[str, Callable[[AsyncExitStack], Coroutine[Any, Any, Ask]]] = {
    "stock": stock,
    "httpcore": over_httpcore,
    "adapter": adapter,
    "aiohttp": plain_aiohttp,
}


# --- the measurements -----------------------------------------------------------------------------------------------


async def storm(make: Callable[[AsyncExitStack], Coroutine[Any, Any, Ask]], url: str, seed: int) -> int:
    dice = random.Random(seed)  # noqa: S311 (when to cancel is no secret)
    async with AsyncExitStack() as stack:
        ask = await make(stack)
        await ask(url)
        for _ in range(STORM_REQUESTS // 100):
            tasks = [asyncio.ensure_future(ask(url)) for _ in range(100)]
            loop = asyncio.get_running_loop()
            for task in tasks:
                loop.call_later(dice.uniform(0, STORM_SECONDS), task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)
        return sum(await asyncio.gather(*(calmly(ask, url) for _ in range(5))))


async def calmly(ask: Ask, url: str) -> bool:
    try:
        return await asyncio.wait_for(ask(url), 3) == 200
    except Exception:  # noqa: BLE001 (whatever it is, it is no answer)
        return False


async def throughput(
    make: Callable[[AsyncExitStack], Coroutine[Any, Any, Ask]], url: str, concurrency: int, seconds: float
) -> tuple[float, float]:
    """Return requests a second and the 99th percentile of their duration in milliseconds."""
    async with AsyncExitStack() as stack:
        ask = await make(stack)
        await ask(url)
        durations: list[float] = []
        end = time.perf_counter() + seconds

        async def keep_asking() -> None:
            while (begin := time.perf_counter()) < end:
                await ask(url)
                durations.append(time.perf_counter() - begin)

        begin = time.perf_counter()
        await asyncio.gather(*(keep_asking() for _ in range(concurrency)))
        elapsed = time.perf_counter() - begin
    return len(durations) / elapsed, statistics.quantiles(durations, n=100)[98] * 1000


def turned(names: Iterable[str], by: int) -> list[str]:
    listed = list(names)
    return listed[by % len(listed) :] + listed[: by % len(listed)]


def measure(url: str, closing_url: str, rounds: int, seconds: float) -> None:
    print("storm: 1,000 cancelled, then of 5 answered (one figure a round)")
    for name, target in (("calm", url), ("harsh", closing_url)):
        for candidate, make in CANDIDATES.items():
            answered = [uvloop.run(storm(make, target, seed)) for seed in range(rounds)]
            print(f"  {name:6}{candidate:10}{answered}", flush=True)
    print("throughput: HEAD a second, median of the rounds (p99 in ms, the worst round's)")
    for concurrency in (1, 16, 64):
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in CANDIDATES}
        for turn in range(rounds):
            for name in turned(CANDIDATES, turn):
                figures[name].append(uvloop.run(throughput(CANDIDATES[name], url, concurrency, seconds)))
        for name, measured in figures.items():
            rate = statistics.median(rate for rate, _ in measured)
            print(f"  c={concurrency:<4}{name:10}{rate:8.0f}  ({max(p99 for _, p99 in measured):.1f})", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=1.5)
    options = arguments.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    ports = ours.recv()
    url, closing_url = (f"http://127.0.0.1:{port}/v2/a/manifests/b" for port in ports)
    measure(url, closing_url, options.rounds, options.seconds)
    server.terminate()


if __name__ == "__main__":
    main()
