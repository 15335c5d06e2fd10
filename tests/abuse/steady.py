"""Real reviews at an even rate, as an API server sends them, in a process of their own: one line for each answer.

Most go over connections that were used before. Every fourth has a new one, as it needs when others are busy: whoever is
locked out is seen.
"""

import asyncio
import itertools
import json
import ssl
import sys
import time
from dataclasses import asdict, dataclass

from tests.servers.processors import step_forward

TIMEOUT_SECONDS = 5
"""The API server's, as the manifests set it."""
PATIENCE_SECONDS = 30
"""Ours: what comes late because the machine is busy is told from what does not come."""
NEW_EVERY = 4
MAX_IDLE = 25
"""Connections that are kept (client-go's idleConnsPerHost)."""
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a review."""

    sent_at: float
    """By the machine's monotonic clock."""
    seconds: float
    is_new: bool
    """Whether it needed a connection of its own, and a handshake."""
    is_judged: bool
    """Whether it was allowed without a warning, as its image deserves."""
    fault: str
    """Why it was not answered, or not allowed."""


class Caller:
    """Sends one review again and again."""

    def __init__(self, address: str, trust: ssl.SSLContext, request: bytes) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port, self._trust, self._request = host, int(port), trust, request
        self._idle: list[Connection] = []

    async def run(self, rate: float) -> None:
        """Call at a rate until killed."""
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, begun_at + number / rate - time.monotonic()))
                group.create_task(self._call(is_new=number % NEW_EVERY == 0))

    async def _call(self, *, is_new: bool) -> None:
        sent_at = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                is_judged, fault = await self._ask(is_new=is_new)
        except (OSError, TimeoutError, EOFError) as broken:
            is_judged, fault = False, repr(broken)
        print(json.dumps(asdict(Answered(sent_at, time.monotonic() - sent_at, is_new, is_judged, fault))), flush=True)

    async def _ask(self, *, is_new: bool) -> tuple[bool, str]:
        reader, writer = await self._connection(is_new=is_new)
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        if "connection: close" in head or len(self._idle) == MAX_IDLE:
            writer.close()
        else:
            self._idle.append((reader, writer))
        response = json.loads(body)["response"] if head.startswith("http/1.1 200") else {}
        is_allowed = response.get("allowed") is True
        return is_allowed and not response.get("warnings"), "" if is_allowed else body.decode()[:300]

    async def _connection(self, *, is_new: bool) -> Connection:
        while self._idle and not is_new:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port, ssl=self._trust, server_hostname="localhost")


def main(address: str, authority: str, rate: str) -> None:
    """Take the body of the review from standard input."""
    step_forward()
    body = sys.stdin.buffer.read()
    head = f"POST /validate?timeout={TIMEOUT_SECONDS}s HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
    caller = Caller(address, ssl.create_default_context(cafile=authority), head.encode() + body)
    asyncio.run(caller.run(float(rate)))


if __name__ == "__main__":
    main(*sys.argv[1:])
