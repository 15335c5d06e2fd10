"""A forward proxy that fails, each time as the name that it shall connect to says."""

import asyncio
from collections.abc import Mapping

from tests.fakes.serving import Serving
from tests.faults.acts import FOREVER_SECONDS

_REFUSALS: Mapping[str, bytes] = {
    "refuses": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "wants-login": b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
    "garbage": b"\0\xff\r\n\r\n" * 9,
    "closes": b"",
    "leads-nowhere": b"HTTP/1.1 200 Connection established\r\n\r\n",
}
_STAYS_OPEN = frozenset({"leads-nowhere", "silence"})


class FailingProxy(Serving):
    """Takes CONNECT, and leads nobody anywhere."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as the host's name says, up to its number."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        way = head.split(" ")[1].partition(".")[0].rpartition("-")[0]
        writer.write(_REFUSALS.get(way, b""))
        await writer.drain()
        if way in _STAYS_OPEN:
            await asyncio.sleep(FOREVER_SECONDS)
