"""A peer that resets connections closes no file but its own."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from webhook.wire.loop import Loop

ROUNDS, AT_ONCE = 40, 20
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def resetting_port() -> Iterator[int]:
    """Where every connection is accepted and reset at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main)


def test_a_socket_whose_connection_is_reset_closes_no_file_later(resetting_port: int) -> None:
    trust, failed = ssl.create_default_context(), []

    async def connect() -> None:
        loop, given = asyncio.get_running_loop(), socket.socket()
        given.setblocking(False)
        try:
            await loop.sock_connect(given, ("127.0.0.1", resetting_port))
        except OSError:
            given.close()
            return
        with pytest.raises(OSError, match="reset"):
            await loop.create_connection(asyncio.Protocol, sock=given, ssl=trust, server_hostname="localhost")
        failed.append(given)

    async def connect_often() -> None:
        for _ in range(ROUNDS):
            await asyncio.gather(*(connect() for _ in range(AT_ONCE)))

    run(connect_often())
    assert failed
    assert {given.fileno() for given in failed} == {-1}


def test_a_connection_that_succeeds_stays_open() -> None:
    async def connect() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        given = socket.create_connection(server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(sock=given)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        server.close()

    run(connect())
