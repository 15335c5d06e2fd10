import asyncio
import contextlib
import gc
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
import uvloop

from tests.wire.scripted import OK, RULES, Certificates, listening, read_request, serving
from webhook.registry.exchange import Answer, BrokenAnswer, ConnectFailed, TimedOut
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
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", OK + b"{}"], ids=["endless body", "kept connection"])
def test_who_sends_on_without_end_is_left_without_a_goodbye(run, secure, head, tmp_path, monkeypatch):
    """A goodbye of TLS waits for the other side's, and reads all that comes before it."""
    certificates = Certificates(tmp_path)
    monkeypatch.setattr("webhook.wire.connections.IDLE_SECONDS", 0.1)

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
