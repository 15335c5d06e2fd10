import asyncio
import contextlib
import gc
import os
import random
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Literal

import pytest
import uvloop

from tests.wire.scripted import OK, RULES, Certificates, always, listening, manifest, read_request, registries, serving
from webhook.registry.exchange import Answer, BrokenAnswer, ConnectFailed, HeldBack, TimedOut
from webhook.registry.request import Request
from webhook.wire.connections import Connections
from webhook.wire.guard import Guard
from webhook.wire.trust import Trust

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@asynccontextmanager
async def connections(ca_files: tuple[str, ...] = ()) -> AsyncIterator[Connections]:
    guard = Guard(RULES.judge_address, timeout_seconds=2)
    engine = Connections(guard, Trust(ca_files), connect_seconds=2, response_seconds=2)
    try:
        yield engine
    finally:
        await engine.close()
        guard.close()


def request(url: str, method: Literal["HEAD", "GET", "POST"] = "HEAD") -> Request:
    body = b"grant_type=password" if method == "POST" else None
    return Request(method=method, url=url, headers=(), body=body, max_body_bytes=1000)


def answered(reply) -> int | object:
    """The status; a fault as it is."""
    return reply.status if isinstance(reply, Answer) else reply


def test_a_connection_that_closed_while_idle_is_not_used_again():
    async def scene():
        async def script(_, writer):
            writer.write(OK)
            await writer.drain()
            writer.close()

        async with serving(script) as server, connections() as engine:
            replies = []
            for _ in range(3):
                replies.append(await engine.exchange(request(server.url())))
                await asyncio.sleep(0.02)
            return [answered(reply) for reply in replies], len(server.requests)

    assert asyncio.run(scene()) == ([200] * 3, 3)


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
def test_connections_that_all_turn_out_dead_at_once_cost_no_answer(run, secure, method, tmp_path):
    """As after a load balancer forgot them without a word."""
    certificates = Certificates(tmp_path)

    async def scene():
        is_forgetful = False
        together = asyncio.Barrier(4)
        old = set()

        async def converse(reader, writer):
            while True:
                await read_request(reader)
                if writer in old:
                    writer.transport.abort()
                    return
                if not is_forgetful:
                    old.add(writer)
                    await together.wait()
                writer.write(OK + (b"" if method == "HEAD" else b"{}"))

        tls = certificates.context() if secure else None
        async with listening(converse, tls=tls) as port, connections((str(certificates.file),)) as engine:
            ask = request(f"http{'s' if secure else ''}://127.0.0.1:{port}/", method)
            first = await asyncio.gather(*(engine.exchange(ask) for _ in range(4)))
            is_forgetful = True
            second = [await engine.exchange(ask) for _ in range(4)]
            return [answered(reply) for reply in (*first, *second)]

    assert run(scene()) == [200] * 8


@pytest.mark.parametrize(("method", "most"), [("HEAD", 2), ("GET", 2), ("POST", 1)])
def test_what_fails_on_a_new_connection_is_not_sent_without_end(method, most):
    async def scene():
        async def script(_, writer):
            writer.transport.abort()

        async with serving(script) as server, connections() as engine:
            return await engine.exchange(request(server.url(), method)), len(server.requests)

    reply, requests = asyncio.run(scene())
    assert reply == ConnectFailed()
    assert requests <= most


HALF = b"HTTP/1.1 200 OK\r\nContent-Le"
STRAY = HALF + b"ngth: 0\r\n\r\n"


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    ("method", "head", "late"),
    [
        pytest.param("HEAD", b"Content-Length: 0\r\n\r\n", STRAY, id="response"),
        pytest.param("HEAD", b"Content-Length: %d\r\n\r\n" % len(STRAY), STRAY, id="body after HEAD"),
        pytest.param("HEAD", b"Content-Length: 0\r\n\r\n", HALF, id="half a response"),
        pytest.param("GET", b"Content-Length: 2\r\n\r\n{", b"}" + STRAY, id="response behind a body"),
    ],
)
def test_what_comes_unasked_is_not_taken_for_the_next_answer(run, secure, method, head, late, tmp_path):
    certificates = Certificates(tmp_path)

    async def scene():
        async def script(_, writer):
            number = len(server.requests)
            writer.write(b"HTTP/1.1 404 Not Found\r\nX-Number: %d\r\n" % number + head)
            await asyncio.sleep(0.03)
            writer.write(late)

        tls = certificates.context() if secure else None
        async with serving(script, tls=tls) as server, connections((str(certificates.file),)) as engine:
            replies = []
            for _ in range(3):
                replies.append(await engine.exchange(request(server.url(), method)))
                await asyncio.sleep(0.1)
            return [(answered(reply), dict(getattr(reply, "headers", ())).get("X-Number")) for reply in replies], server

    replies, server = run(scene())
    assert replies == [(404, "1"), (404, "2"), (404, "3")]
    assert (len(server.requests), server.connections) == (3, 3)


def test_an_answer_that_breaks_off_is_not_asked_for_again():
    async def scene():
        async def script(ask, writer):
            if b"/second" not in ask:
                writer.write(OK + b"{}")
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            writer.close()

        async with serving(script) as server, connections() as engine:
            await engine.exchange(request(server.url(), "GET"))
            reply = await engine.exchange(request(server.url(path="/second"), "GET"))
            return reply, len(server.requests)

    assert asyncio.run(scene()) == (BrokenAnswer(), 2)


def test_a_kept_connection_that_is_silent_times_out_and_is_not_used_again():
    async def scene():
        async def script(_, writer):
            if server.connections > 1 or len(server.requests) == 1:
                writer.write(OK)

        async with serving(script) as server, connections() as engine:
            engine._response_seconds = 0.2
            return [answered(await engine.exchange(request(server.url()))) for _ in range(3)]

    assert asyncio.run(scene()) == [200, TimedOut(), 200]


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    ("head", "limit"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", ("connections.IDLE_SECONDS", 0.1), id="endless body"),
        pytest.param(OK + b"{}", ("connections.IDLE_SECONDS", 0.1), id="kept connection"),
        pytest.param(OK + b"{}", ("keeping.MAX_IDLE", 0), id="one too many"),
    ],
)
def test_who_sends_on_without_end_is_left_without_a_goodbye(run, secure, head, limit, tmp_path, monkeypatch):
    """A goodbye of TLS waits for the other side's, and reads all that comes before it."""
    certificates = Certificates(tmp_path)
    monkeypatch.setattr(f"webhook.wire.{limit[0]}", limit[1])

    def send_on(listening):
        """Heed no goodbye; returns how long it took until the connection was gone."""
        connection, _ = listening.accept()
        begun_at = time.monotonic()
        with contextlib.suppress(OSError):
            if secure:
                connection = certificates.context().wrap_socket(connection, server_side=True)
            connection.recv(65_536)
            connection.sendall(head)
            time.sleep(0.05)
            while time.monotonic() - begun_at < 10:
                connection.sendall(b"x" * 16_384)
                time.sleep(0.001)
        connection.close()
        return time.monotonic() - begun_at

    async def scene(listening):
        url = f"http{'s' if secure else ''}://127.0.0.1:{listening.getsockname()[1]}/"
        async with connections((str(certificates.file),)) as engine:
            sending = asyncio.get_running_loop().run_in_executor(None, send_on, listening)
            assert answered(await engine.exchange(request(url, "GET"))) == 200
            return await sending

    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert run(scene(listening)) < 3


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_storm_of_cancelled_requests_leaves_nothing_behind(run, secure, tmp_path):
    """The server closes after each answer, which is what made another client's pool lose its places."""
    certificates = Certificates(tmp_path)
    dice = random.Random(1)  # noqa: S311 (when to cancel is no secret)

    async def scene():
        async def converse(reader, writer):
            await read_request(reader)
            await asyncio.sleep(0.001)
            writer.write(OK)

        tls = certificates.context() if secure else None
        async with listening(converse, tls=tls) as port, connections((str(certificates.file),)) as engine:
            ask = request(f"http{'s' if secure else ''}://127.0.0.1:{port}/")
            await engine.exchange(ask)
            files, tasks = await settled()
            for _ in range(10):
                storm = [asyncio.ensure_future(engine.exchange(ask)) for _ in range(100)]
                for task in storm:
                    asyncio.get_running_loop().call_later(dice.uniform(0, 0.05), task.cancel)
                await asyncio.gather(*storm, return_exceptions=True)
            calm = await asyncio.gather(*(engine.exchange(ask) for _ in range(5)))
            files_after, tasks_after = await settled()
            assert files_after <= files
            assert tasks_after <= tasks
            return [answered(reply) for reply in calm]

    assert run(scene()) == [200] * 5


@LOOPS
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_of_connections_to_all_registries_the_one_is_cut_that_is_longest_unused(run, secure, tmp_path, monkeypatch):
    monkeypatch.setattr("webhook.wire.keeping.MAX_IDLE", 2)
    certificates = Certificates(tmp_path)
    tls = certificates.context() if secure else None

    async def scene():
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(serving(always(OK), tls=tls)) for _ in range(3)]
            engine = await stack.enter_async_context(connections((str(certificates.file),)))

            async def ask(*numbers):
                return [answered(await engine.exchange(request(servers[number].url()))) for number in numbers]

            # The first is asked once more, so that the second is the one for which the third leaves no place.
            assert await ask(0, 1, 0, 2, 0, 2) == [200] * 6
            kept = [server.connections for server in servers]
            assert await ask(1) == [200]
            return kept, [server.connections for server in servers]

    assert run(scene()) == ([1, 1, 1], [1, 2, 1])


@LOOPS
def test_no_more_connections_stay_open_than_are_kept_and_those_are_used_again(run, monkeypatch):
    monkeypatch.setattr("webhook.wire.keeping.MAX_IDLE", 3)

    async def scene():
        ended: asyncio.Queue[None] = asyncio.Queue()
        together = asyncio.Barrier(10)
        made = 0

        async def converse(reader, writer):
            nonlocal made
            made += 1
            try:
                while True:
                    await read_request(reader)
                    await together.wait()
                    writer.write(OK)
            finally:
                ended.put_nowait(None)

        async with listening(converse) as port, connections() as engine:

            async def ask(times):
                replies = (engine.exchange(request(f"http://127.0.0.1:{port}/")) for _ in range(times))
                return [answered(reply) for reply in await asyncio.gather(*replies)]

            assert await ask(10) == [200] * 10
            async with asyncio.timeout(10):
                for _ in range(7):
                    await ended.get()
            together = asyncio.Barrier(3)
            assert await ask(3) == [200] * 3
            return made, ended.empty()

    assert run(scene()) == (10, True)


@LOOPS
def test_a_connection_that_is_used_again_is_not_cut_meanwhile(run, monkeypatch):
    monkeypatch.setattr("webhook.wire.keeping.MAX_IDLE", 1)

    async def scene():
        asked, answer = asyncio.Event(), asyncio.Event()

        async def script(_, writer):
            if len(slow.requests) == 2:
                asked.set()
                await answer.wait()
            writer.write(OK)

        async with serving(script) as slow, serving(always(OK)) as other, connections() as engine:
            await engine.exchange(request(slow.url()))
            reply = asyncio.ensure_future(engine.exchange(request(slow.url())))
            await asked.wait()
            for host in ("127.0.0.1", "localhost"):
                assert answered(await engine.exchange(request(other.url(host)))) == 200
            answer.set()
            return answered(await reply), slow.connections, len(slow.requests)

    assert run(scene()) == (200, 1, 2)


@LOOPS
def test_what_a_server_has_closed_takes_the_place_of_no_other(run, monkeypatch):
    monkeypatch.setattr("webhook.wire.keeping.MAX_IDLE", 2)

    async def scene():
        async def script(_, writer):
            writer.write(OK)
            await writer.drain()
            writer.close()

        async with serving(always(OK)) as kept, serving(script) as closing, connections() as engine:
            await engine.exchange(request(kept.url()))
            await engine.exchange(request(closing.url()))
            await settled()
            for host in ("localhost", "127.0.0.1"):
                assert answered(await engine.exchange(request(kept.url(host)))) == 200
            return kept.connections

    assert run(scene()) == 2


@LOOPS
def test_what_was_cut_is_not_remembered(run, monkeypatch):
    monkeypatch.setattr("webhook.wire.keeping.MAX_IDLE", 2)

    async def scene():
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(serving(always(OK))) for _ in range(5)]
            engine = await stack.enter_async_context(connections())
            for server in servers:
                await engine.exchange(request(server.url()))
            connector = engine._direct.kept.connector
            assert connector is not None
            return [len(kept) for kept in connector._conns.values()]

    assert run(scene()) == [1, 1]


@contextmanager
def no_file_left() -> Iterator[None]:
    """Nothing can be opened in this process."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[0], 1024), limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for number in taken:
            os.close(number)


@LOOPS
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["connecting", "resolving"])
def test_a_registry_is_not_blamed_for_what_this_process_cannot_open(run, host):
    """More often than failures of its own would make it sick."""

    async def scene():
        async with serving(always(OK)) as server, registries() as client:
            ask = manifest(server.url(host))
            with no_file_left():
                held = [await client.ask(ask) for _ in range(10)]
            return held, answered(await client.ask(ask))

    assert run(scene()) == ([HeldBack("exhausted")] * 10, 200)


def test_authorities_that_cannot_be_opened_now_are_not_unknown_ones(tmp_path):
    certificates = Certificates(tmp_path)

    async def scene():
        tls = certificates.context()
        async with serving(always(OK), tls=tls) as server, connections((str(certificates.file),)) as engine:
            with no_file_left():
                held = await engine.exchange(request(server.url()))
            return held, answered(await engine.exchange(request(server.url())))

    assert asyncio.run(scene()) == (HeldBack("exhausted"), 200)


async def settled() -> tuple[int, int]:
    """How many files and tasks are open once their number no longer falls."""
    least = (10**6, 10**6)
    for _ in range(100):
        gc.collect()
        now = (len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()))  # noqa: PTH208 (ASYNC240 is worse)
        if now == least:
            break
        least = min(least, now)
        await asyncio.sleep(0.05)
    return least
