"""What a server does instead of answering honestly: each act is told of one request, or of one new connection."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.fakes.exchange import Request, Response
from tests.fakes.listener import bytes_of

FOREVER_SECONDS = 3600.0
"""Longer than any test: the server is stopped before."""
DRIP_SECONDS = 1.0
PIECE_BYTES = 64 * 1024
PAUSE_SECONDS = 0.002
"""Between two pieces of an endless answer, so that it costs the other servers of the tests little."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time at all: closing sends RST."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A request that meets a fault."""

    writer: asyncio.StreamWriter
    request: Request
    honest: bytes
    """The answer that an honest server would send."""
    earlier: int
    """How many requests for the same path met the fault before."""


Act = Callable[[Struck], Awaitable[None]]
Speech = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is said on a new connection, before anything else; the connection is closed afterwards."""


def replying(response: Response) -> Act:
    """Send another answer."""

    async def act(struck: Struck) -> None:
        await _write(struck.writer, bytes_of(struck.request, response))

    return act


def saying(content: bytes) -> Act:
    """Send bytes that may be no HTTP, and close."""

    async def act(struck: Struck) -> None:
        await _write(struck.writer, content)
        raise ConnectionAbortedError

    return act


def resetting(share: float = 0) -> Act:
    """Reset the connection after a share of the honest answer."""

    async def act(struck: Struck) -> None:
        await _write(struck.writer, _share(struck.honest, share))
        await asyncio.sleep(0.02 if share else 0)  # What was sent shall arrive before the reset does.
        reset(struck.writer)

    return act


def closing(share: float) -> Act:
    """Close the connection in good order after a share of the honest answer."""

    async def act(struck: Struck) -> None:
        await saying(_share(struck.honest, share))(struck)

    return act


def stalling(share: float = 0) -> Act:
    """Send a share of the honest answer, and nothing more ever."""

    async def act(struck: Struck) -> None:
        await _write(struck.writer, _share(struck.honest, share))
        await asyncio.sleep(FOREVER_SECONDS)

    return act


def dripping() -> Act:
    """Send the honest answer, a byte a second."""

    async def act(struck: Struck) -> None:
        await _drip(struck.writer, struck.honest)

    return act


def late(seconds: float) -> Act:
    """Send the honest answer after a while."""

    async def act(struck: Struck) -> None:
        await asyncio.sleep(seconds)
        await _write(struck.writer, struck.honest)

    return act


def endless(head: bytes, piece: bytes) -> Act:
    """Send a head, and then the same piece again and again."""

    async def act(struck: Struck) -> None:
        await _write(struck.writer, head)
        while True:
            await _write(struck.writer, piece)
            await asyncio.sleep(PAUSE_SECONDS)

    return act


def only_first(act: Act) -> Act:
    """Fail once for each path, and be honest from then on."""

    async def once(struck: Struck) -> None:
        if struck.earlier:
            await _write(struck.writer, struck.honest)
        else:
            await act(struck)

    return once


def by_method(*, head: Act, get: Act) -> Act:
    """Do one thing to HEAD and another to every other request."""

    async def act(struck: Struck) -> None:
        await (head if struck.request.method == "HEAD" else get)(struck)

    return act


async def honestly(struck: Struck) -> None:
    """Send the honest answer."""
    await _write(struck.writer, struck.honest)


def redirecting(find_target: Callable[[Request], str], status: int = 307) -> Act:
    """Send the client elsewhere."""

    async def act(struck: Struck) -> None:
        target = find_target(struck.request)
        await replying(Response(status, (("Location", target),) if target else ()))(struck)

    return act


async def reset_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset a connection that was just accepted."""
    reset(writer)


async def say_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Accept, and never speak."""
    await asyncio.sleep(FOREVER_SECONDS)


async def reset_after_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset in the middle of a TLS handshake."""
    await reader.read(PIECE_BYTES)
    reset(writer)


async def close_after_hello(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Close in the middle of a TLS handshake."""
    await reader.read(PIECE_BYTES)


def say_after_hello(content: bytes) -> Speech:
    """Answer the client's hello with these bytes, and close."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(PIECE_BYTES)
        await _write(writer, content)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(PIECE_BYTES), 0.5)

    return speak


def drip_after_hello(content: bytes) -> Speech:
    """Answer the client's hello a byte a second."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(PIECE_BYTES)
        await _drip(writer, content)

    return speak


def reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection.

    Raises:
        ConnectionAbortedError: Always, so that nothing more is done with it.
    """
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
    raise ConnectionAbortedError


async def _drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    for position in range(len(content)):
        await _write(writer, content[position : position + 1])
        await asyncio.sleep(DRIP_SECONDS)


async def _write(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()


def _share(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]
