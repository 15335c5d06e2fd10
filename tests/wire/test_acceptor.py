"""What is accepted, and who makes room for whom, over real sockets."""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.wire.serving import UID, Client, FakePipeline, left_to_the_collector, request, review, served
from webhook.admission.response import render
from webhook.verdict.answer import Answered
from webhook.wire.acceptor import MAX_OPEN_FILES, Acceptor
from webhook.wire.arrival import Arrival
from webhook.wire.certificates import load_serving_pair
from webhook.wire.crowd import FAIR_SECONDS, Crowd, Standing
from webhook.wire.server import run

ROOT = Path(__file__).parents[2]
HALF_A_GREETING = b"\x16\x03\x01\x02\x00\x01\x00"
NO_GREETING = b"\x16\x03\x01\x00\x01\x00"
"""A whole record, with which a handshake can begin and not go on."""
RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing sends a reset."""


@pytest.fixture
def crowded(files, trust):
    """Serve over TLS with room for few."""

    @contextlib.contextmanager
    def serve(pipeline=None, **bounds):
        pair = load_serving_pair(files.certificate, files.key)
        with served(pipeline or FakePipeline(), tls=pair.context, trust=trust, **bounds) as server:
            yield server

    return serve


@pytest.fixture
def opened():
    """Sockets that end with the test."""
    with contextlib.ExitStack() as stack:
        yield stack


def silent(server, opened, count, sent=b""):
    connections = []
    for _ in range(count):
        connection = opened.enter_context(socket.create_connection(server.reviews, timeout=5))
        connection.sendall(sent)
        connections.append(connection)
    return connections


def is_closed(connection, seconds=1.0):
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def assert_serves(server):
    with server.client() as client:
        assert client.post(review()).json["response"]["uid"] == UID


@pytest.mark.parametrize("sent", [b"", HALF_A_GREETING], ids=["silent", "half a greeting"])
def test_who_does_not_finish_the_handshake_is_cut_off(crowded, opened, sent):
    with crowded(handshake_seconds=0.4) as server:
        (connection,) = silent(server, opened, 1, sent)
        started_at = time.monotonic()
        assert is_closed(connection, 3)
        assert 0.3 < time.monotonic() - started_at < 1.5
        assert_serves(server)


@pytest.mark.parametrize("sent", [b"", HALF_A_GREETING], ids=["silent", "half a greeting"])
def test_however_many_do_not_finish_the_handshake_others_are_served(crowded, opened, sent):
    with crowded(max_silent=40) as server:
        crowd = silent(server, opened, 60, sent)
        assert_serves(server)
        assert is_closed(crowd[0]), "the oldest made room"
        assert not is_closed(crowd[-1], 0.1)


def keep(server, opened):
    """A connection that was answered, and is kept."""
    client = opened.enter_context(server.client())
    assert client.post(review()).status == 200
    return client


def connect_as(address, server, opened):
    """Connect from an address of this machine's own, which may be another than that of those who ask."""
    connection = opened.enter_context(socket.socket())
    connection.settimeout(5)
    connection.bind((address, 0))
    connection.connect(server.reviews)
    return connection


def greet(trust):
    """Begin a handshake: the client, where it reads from and writes to, and its greeting."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return client, incoming, outgoing, outgoing.read()


def test_a_greeting_may_come_in_pieces(crowded, trust):
    client, incoming, _, greeting = greet(trust)
    with crowded() as server, socket.create_connection(server.reviews, timeout=5) as connection:
        for piece in (greeting[:1], greeting[1:4], greeting[4:5], greeting[5:100], greeting[100:]):
            connection.sendall(piece)
            time.sleep(0.05)
        incoming.write(connection.recv(65_536))
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        assert client.version() == "TLSv1.3"


def test_half_a_greeting_and_an_end_are_the_end(crowded, opened):
    with crowded() as server:
        (connection,) = silent(server, opened, 1, HALF_A_GREETING)
        connection.shutdown(socket.SHUT_WR)
        assert is_closed(connection)
        assert_serves(server)


def test_greetings_of_a_stranger_keep_nobody_else_waiting(crowded, opened):
    with crowded(max_quiet=20, max_connections=20) as server:
        assert_serves(server)
        kept = keep(server, opened)
        for _ in range(100):
            connect_as("127.0.0.2", server, opened).sendall(NO_GREETING)
        begun_at = time.monotonic()
        assert_serves(server)
        assert time.monotonic() - begun_at < FAIR_SECONDS / 2
        assert kept.post(review()).status == 200


def test_while_a_stranger_may_begin_no_more_handshakes_others_may_at_once(crowded, opened, trust, monkeypatch):
    monkeypatch.setattr("webhook.wire.acceptor.PAUSE_SECONDS", 0.5)
    *_, greeting = greet(trust)
    with crowded(max_quiet=8) as server:
        assert_serves(server)
        keep(server, opened)
        for _ in range(30):
            connect_as("127.0.0.2", server, opened).sendall(greeting)
        begun_at = time.monotonic()
        for _ in range(10):
            assert_serves(server)
        assert time.monotonic() - begun_at < 4 * 0.5, "they share no pause with the stranger"


def test_what_never_became_a_connection_leaves_nothing_to_the_garbage_collector(crowded, opened, trust):
    *_, greeting = greet(trust)
    with crowded(max_silent=5, max_quiet=5) as server:
        keep(server, opened)
        with left_to_the_collector() as left:
            for sent in (b"", HALF_A_GREETING, NO_GREETING, b"GET / HTTP/1.1\r\n\r\n"):
                for connection in silent(server, opened, 20, sent):
                    connection.close()
            for _ in range(20):
                connect_as("127.0.0.2", server, opened).sendall(greeting)
            assert_serves(server)
            time.sleep(0.2)
    assert not [one for one in left if isinstance(one, Arrival | HttpToolsProtocol)]


def test_connections_that_ask_nothing_make_room(crowded, opened):
    with crowded(max_quiet=10) as server:
        idle = [opened.enter_context(server.client()) for _ in range(30)]
        assert_serves(server)
        assert idle[0].is_closed_within(1)
        assert not idle[-1].is_closed_within(0.1)


def test_half_requests_make_room_before_connections_that_were_answered(crowded, opened):
    with crowded(max_quiet=10) as server:
        used = [opened.enter_context(server.client()) for _ in range(3)]
        for client in used:
            assert client.post(review()).status == 200
        for _ in range(20):
            opened.enter_context(server.client()).send(request(review())[:-20])
        time.sleep(1.1)
        for _ in range(7):
            assert_serves(server)
        for client in used:
            assert client.post(review()).status == 200


def test_a_review_in_flight_is_never_closed_for_anybody(crowded, opened):
    with crowded(FakePipeline(delay_seconds=1.5), max_quiet=5) as server:
        working = [opened.enter_context(server.client()) for _ in range(5)]
        for client in working:
            client.send(request(review()))
        silent(server, opened, 100)
        for client in working:
            assert client.receive().json["response"]["uid"] == UID


def test_where_all_are_working_newcomers_wait_and_are_served(crowded, opened, trust):
    with crowded(FakePipeline(delay_seconds=0.7), max_quiet=4, max_connections=4) as server:
        answers = []

        def post(number):
            connection = connect_as(f"127.0.0.{2 + number}", server, opened)
            with Client(trust.wrap_socket(connection, server_hostname="localhost")) as client:
                answers.append(client.post(review()).status)

        threads = [threading.Thread(target=post, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert answers == [200] * 12


def test_a_stranger_s_newcomers_drive_out_no_connection_of_another(crowded, opened, trust):
    with crowded(max_quiet=8) as server:
        kept = [keep(server, opened) for _ in range(2)]
        for _ in range(6):
            connection = connect_as("127.0.0.2", server, opened)
            stranger = opened.enter_context(Client(trust.wrap_socket(connection, server_hostname="localhost")))
            assert stranger.post(review()).status == 200
        time.sleep(1.5 * FAIR_SECONDS)
        trust.wrap_socket(connect_as("127.0.0.2", server, opened), server_hostname="localhost").close()
        for client in kept:
            assert client.post(review()).status == 200


class Wordy(FakePipeline):
    """Answers at length."""

    async def answer(self, body, mode, *, deadline_at):
        answered = await super().answer(body, mode, deadline_at=deadline_at)
        annotations = {"words": "x" * 500_000}
        return Answered(render(answered.facts.uid, allowed=True, audit_annotations=annotations), answered.facts)


@contextlib.contextmanager
def deaf_client(server):
    """Asks often and reads nothing; over plain sockets, whose buffers are small."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(server.reviews)
        connection.sendall(request(review()) * 3)
        yield connection


def is_gone_within(connection, seconds):
    """Whether the server lets go; whoever reads nothing sees no end, and learns of it by writing."""
    ends_at = time.monotonic() + seconds
    try:
        while time.monotonic() < ends_at:
            connection.sendall(b"\r\n")
            time.sleep(0.05)
    except ConnectionError:
        return True
    return False


def test_a_peer_that_takes_no_answers_makes_room(opened):
    with served(Wordy(), max_quiet=3, max_request_seconds=60) as server, deaf_client(server) as deaf:
        assert not is_gone_within(deaf, 1)
        for _ in range(3):
            opened.enter_context(server.client())
        assert is_gone_within(deaf, 1)


def test_a_peer_that_takes_no_answers_is_cut_off_in_the_end():
    with served(Wordy(), max_request_seconds=1.5) as server, deaf_client(server) as deaf:
        assert is_gone_within(deaf, 4)


def test_connections_that_are_reset_before_they_are_accepted_disturb_nobody(crowded):
    with crowded() as server:
        for _ in range(300):
            connection = socket.create_connection(server.reviews)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
        assert_serves(server)


def test_stopping_ends_those_who_have_not_come_to_be_connections(crowded, opened):
    with crowded() as server:
        connections = silent(server, opened, 3) + silent(server, opened, 3, HALF_A_GREETING)
        time.sleep(0.2)
    assert all(is_closed(connection) for connection in connections)


class Resident:
    """Somebody who is connected, and may have to go."""

    is_ended = False
    peer = "127.0.0.1"

    def abort(self):
        self.is_ended = True


@pytest.mark.parametrize(("handshake_seconds", "is_ended"), [(FAIR_SECONDS / 5, False), (FAIR_SECONDS * 5, True)])
def test_nobody_makes_room_for_one_who_is_gone(handshake_seconds, is_ended):
    async def scene():
        crowd, resident = Crowd(max_silent=10, max_quiet=1, max_all=10), Resident()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as newcomer:
            acceptor = Acceptor(listening, asyncio.Protocol, tls, crowd, handshake_seconds)
            acceptor.start()
            crowd.place(resident, Standing.IDLE, asyncio.get_running_loop().time())
            newcomer.connect(listening.getsockname())
            newcomer.send(NO_GREETING)
            await asyncio.sleep(1.5 * FAIR_SECONDS)
            acceptor.close()
            await asyncio.sleep(0)
        return resident

    assert asyncio.run(scene()).is_ended is is_ended


class Unwilling(Crowd):
    """Lets nobody begin, and counts how often it was asked."""

    def __init__(self, expected):
        super().__init__(max_silent=expected, max_quiet=expected, max_all=expected + 1)
        self.asked = 0
        self.are_all_here = asyncio.Event()
        self._expected = expected

    def let_begin(self, *_):
        self.asked += 1
        if len(self) == self._expected:
            self.are_all_here.set()
        return False


def test_where_nobody_may_begin_not_all_the_peers_are_asked(monkeypatch, opened):
    monkeypatch.setattr("webhook.wire.acceptor.PAUSE_SECONDS", 60)

    async def scene():
        crowd = Unwilling(expected=50)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            acceptor = Acceptor(listening, asyncio.Protocol, None, crowd, 60)
            for number in range(50):
                newcomer = opened.enter_context(socket.socket())
                newcomer.bind((f"127.0.1.{1 + number}", 0))
                newcomer.connect(listening.getsockname())
            acceptor.start()
            await asyncio.wait_for(crowd.are_all_here.wait(), 10)
            acceptor.close()
        return crowd

    assert asyncio.run(scene()).asked <= 2 * 50, "two of them whenever one comes"


class Stumbling(Crowd):
    """Fails when the second one wants to begin."""

    asked = 0

    def let_begin(self, now, peer):
        self.asked += 1
        if self.asked == 2:
            raise RuntimeError("a fault of ours")
        return super().let_begin(now, peer)


def test_after_a_fault_of_ours_the_others_still_shake_hands(opened):
    async def scene():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        made = asyncio.Semaphore(0)

        class Noting(asyncio.Protocol):
            def connection_made(self, transport):
                made.release()
                transport.abort()

        with socket.create_server(("127.0.0.1", 0)) as listening:
            acceptor = Acceptor(listening, Noting, None, Stumbling(max_silent=9, max_quiet=9, max_all=9), 60)
            for _ in range(3):
                opened.enter_context(socket.create_connection(listening.getsockname()))
            acceptor.start()
            for _ in range(3):
                await asyncio.wait_for(made.acquire(), 5)
            acceptor.close()

    asyncio.run(scene())


def test_who_is_ended_in_the_moment_in_which_the_handshake_ends_is_gone_soon(files, trust):
    client, incoming, outgoing, greeting = greet(trust)
    tls = load_serving_pair(files.certificate, files.key).context

    async def scene():
        loop, crowd = asyncio.get_running_loop(), Crowd(max_silent=9, max_quiet=9, max_all=9)
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as newcomer:
            acceptor = Acceptor(listening, asyncio.Protocol, tls, crowd, 60)
            acceptor.start()
            newcomer.connect(listening.getsockname())
            newcomer.setblocking(False)
            await loop.sock_sendall(newcomer, greeting)
            incoming.write(await loop.sock_recv(newcomer, 65_536))
            client.do_handshake()
            # Both happen before the loop looks at its sockets again.
            newcomer.send(outgoing.read())
            crowd.end_any()
            async with asyncio.timeout(15):
                while await loop.sock_recv(newcomer, 65_536):
                    pass
            acceptor.close()

    with contextlib.suppress(ConnectionError):
        run(scene())


POOR = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from tests.wire.serving import FakePipeline, served
with served(FakePipeline(), max_quiet=1000, max_connections=1000) as server:
    held = [open("/dev/null") for _ in range(int(sys.argv[1]))]
    begun_at = time.process_time()
    print(*server.reviews, flush=True)
    sys.stdin.readline()
    print(time.process_time() - begun_at, flush=True)
    sys.stdin.readline()
"""
"""A server that may open 64 files and holds some of them; asked, it says how long it has computed."""


@contextlib.contextmanager
def poor_server(held):
    command = [sys.executable, "-c", POOR, str(held)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        host, port = process.stdout.readline().split()
        yield (host, int(port)), process
        process.stdin.write("\n\n")


def ask(address):
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(request(review()))
        return connection.recv(12) == b"HTTP/1.1 200"


def test_few_files_mean_few_connections_and_everybody_is_served(opened):
    with poor_server(0) as (address, process):
        for _ in range(200):
            opened.enter_context(socket.create_connection(address, timeout=5))
        assert ask(address)
        assert process.poll() is None


def test_where_no_file_can_be_opened_the_oldest_makes_room_and_nothing_spins(opened):
    with poor_server(42) as (address, process):
        for _ in range(60):
            opened.enter_context(socket.create_connection(address, timeout=5))
        time.sleep(1)
        assert ask(address)
        process.stdin.write("\n")
        process.stdin.flush()
        assert float(process.stdout.readline()) < 0.5
        assert ask(address)


def raised_open_files(soft, hard):
    """What a process says that raised its limit from these, and the limit that it has."""
    code = (
        "import resource; from webhook.wire.acceptor import raise_open_files\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "print(raise_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


def test_the_limit_of_open_files_is_raised_to_what_is_needed():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    expected = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    assert raised_open_files(100, hard) == [expected] * 2


def test_where_the_limit_of_open_files_cannot_be_raised_it_is_told_as_it_is():
    assert raised_open_files(100, 100) == [100] * 2
