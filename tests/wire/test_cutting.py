"""Reads of the cluster that are cut: API servers that say nothing, or a byte now and then, at each stage of a read."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.minting import Files, serving_files
from webhook.keychain.pullsecrets import AbsentSecret, SecretState, UnreadableSecret
from webhook.wire.cluster import KubernetesCluster
from webhook.wire.cutting import Cutter

Script = Callable[[socket.socket, ssl.SSLContext], None]
LATE = UnreadableSecret("a", "the API server did not answer in time")
STATUS = json.dumps({"kind": "Status"}).encode()
PATIENCE_SECONDS = 20.0
"""What is not cut lasts far longer in all these tests."""
_FOREVER_SECONDS = 60.0


def _drip(connection: socket.socket, byte: bytes) -> None:
    while True:
        connection.sendall(byte)
        time.sleep(0.05)


@contextlib.contextmanager
def _asked(raw: socket.socket, context: ssl.SSLContext) -> Iterator[socket.socket]:
    with context.wrap_socket(raw, server_side=True) as connection:
        connection.recv(65536)
        yield connection


def _drip_handshake(raw: socket.socket, _: ssl.SSLContext) -> None:
    raw.sendall(b"\x16\x03\x03\x3f\xff")
    _drip(raw, b"\x02")


def _drip_header(raw: socket.socket, context: ssl.SSLContext) -> None:
    with _asked(raw, context) as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        _drip(connection, b"x")


def _drip_body(raw: socket.socket, context: ssl.SSLContext) -> None:
    with _asked(raw, context) as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        _drip(connection, b" ")


def _say_nothing(raw: socket.socket, context: ssl.SSLContext) -> None:
    with _asked(raw, context) as connection:
        connection.recv(1)


def _shake_no_hands(raw: socket.socket, _: ssl.SSLContext) -> None:
    while raw.recv(65536):
        pass


def _answer(raw: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(raw, server_side=True) as connection:
        _answer_plainly(connection, context)


def _answer_plainly(connection: socket.socket, _: ssl.SSLContext) -> None:
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%b" % (len(STATUS), STATUS))


DRIPS = [_drip_handshake, _drip_header, _drip_body]
HANGS = [*DRIPS, _say_nothing, _shake_no_hands]


class Server:
    """Plays the next script on each connection, the last one ever again."""

    def __init__(self, files: Files, *scripts: Script) -> None:
        self.connections = 0
        self._scripts = scripts
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(files.certificate, files.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        thread = threading.Thread(target=self._accept)
        thread.start()
        yield
        self._listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                script = self._scripts[min(self.connections, len(self._scripts)) - 1]
                threading.Thread(target=self._play, args=(script, connection), daemon=True).start()

    def _play(self, script: Script, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            script(connection, self._context)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return serving_files(tmp_path)


def _cluster(files: Files, port: int, timeout_seconds: float, scheme: str = "https") -> KubernetesCluster:
    server = {"server": f"{scheme}://127.0.0.1:{port}", "certificate-authority": str(files.ca)}
    document = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": server}],
        "users": [{"name": "x", "user": {"token": "of-the-tests"}}],
    }
    path = files.ca.with_name("kubeconfig")
    path.write_text(json.dumps(document))
    return KubernetesCluster(kubeconfig=str(path), timeout_seconds=timeout_seconds)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 (nobody is told when a thread ends)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("script", DRIPS)
def test_a_read_whose_time_is_over_leaves_its_thread(files: Files, script: Script) -> None:
    server = Server(files, script)

    async def read() -> SecretState:
        async with _cluster(files, server.port, 0.5) as cluster:
            state = await cluster.read_secret("team", "a")
            await _until(lambda: not len(cluster._slots))
            return state

    with server.listening():
        assert asyncio.run(read()) == LATE


def test_a_read_that_was_given_up_is_cut_too(files: Files) -> None:
    server = Server(files, _drip_header)

    async def read() -> None:
        async with _cluster(files, server.port, 1.0) as cluster:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cluster.read_secret("team", "a"), 0.1)
            await _until(lambda: not len(cluster._slots))

    with server.listening():
        asyncio.run(read())


@pytest.mark.parametrize("script", HANGS)
def test_closing_ends_the_reads_under_way(files: Files, script: Script) -> None:
    """A process does not end before its threads do."""
    server = Server(files, script)

    async def read() -> SecretState:
        cluster = _cluster(files, server.port, _FOREVER_SECONDS)
        reading = asyncio.create_task(cluster.read_secret("team", "a"))
        await _until(lambda: server.connections > 0)
        await asyncio.sleep(0.1)
        await cluster.close()
        await _until(lambda: not len(cluster._slots))
        return await reading

    with server.listening():
        assert asyncio.run(read()) == LATE


def test_closing_ends_a_read_that_is_not_connected(files: Files) -> None:
    async def read(port: int) -> SecretState:
        cluster = _cluster(files, port, _FOREVER_SECONDS)
        reading = asyncio.create_task(cluster.read_secret("team", "a"))
        await asyncio.sleep(0.3)
        assert len(cluster._slots) == 1, "it connects still"
        await cluster.close()
        await _until(lambda: not len(cluster._slots))
        return await reading

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert asyncio.run(read(full.getsockname()[1])) == LATE


def test_what_comes_after_a_cut_gets_a_connection_of_its_own(files: Files) -> None:
    server = Server(files, _drip_body, _answer)

    async def read() -> list[SecretState]:
        async with _cluster(files, server.port, 2.0) as cluster:
            return [await cluster.read_secret("team", "a") for _ in range(4)]

    with server.listening():
        assert asyncio.run(read()) == [LATE, *[AbsentSecret("a")] * 3]
    assert server.connections == 2, "one that was cut, and one that is kept"


@pytest.mark.parametrize(("scheme", "script"), [("https", _answer), ("http", _answer_plainly)])
def test_a_kept_connection_outlives_the_time_of_its_reads(files: Files, scheme: str, script: Script) -> None:
    server = Server(files, script)

    async def read() -> None:
        async with _cluster(files, server.port, 0.5, scheme) as cluster:
            for _ in range(8):
                assert await cluster.read_secret("team", "a") == AbsentSecret("a")
                await asyncio.sleep(0.2)

    with server.listening():
        asyncio.run(read())
    assert server.connections == 1


def test_a_cut_does_nothing_to_a_connection_that_was_let_go() -> None:
    here, there = socket.socketpair()
    with here, there:
        with Cutter() as cutter:
            cutter.hold(here.fileno())
        cutter.cut()
        there.sendall(b"x")
        assert here.recv(1) == b"x"


def test_a_read_that_was_cut_gets_no_connection() -> None:
    here, there = socket.socketpair()
    with here, there, Cutter() as cutter:
        cutter.cut()
        with pytest.raises(TimeoutError):
            cutter.hold(here.fileno())


def test_a_cut_may_meet_a_connection_that_is_none_yet() -> None:
    with socket.socket() as unconnected, Cutter() as cutter:
        cutter.hold(unconnected.fileno())
        cutter.cut()
        assert cutter.is_cut
