"""A forward proxy that takes CONNECT only, and decides itself where each name leads."""

import asyncio
from collections.abc import Mapping

from tests.fakes.serving import Serving

_PIECE_BYTES = 64 * 1024


class Proxy(Serving):
    """Leads every `host:port` to the address that `routes` says; answers 502 for any other.

    So the tests have host names without a name server.
    """

    def __init__(self, routes: Mapping[str, tuple[str, int]]) -> None:
        super().__init__()
        self.asked: list[str] = []
        """Every `host:port` that was to be connected to."""
        self._routes = routes

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect through, and pass on what comes from both sides until one of them ends."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.partition("\r\n")[0].split(" ")
        self.asked.append(target)
        if method != "CONNECT" or target not in self._routes:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._routes[target])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        passing = [asyncio.ensure_future(_pass(reader, far_writer)), asyncio.ensure_future(_pass(far_reader, writer))]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.transport.abort()
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
