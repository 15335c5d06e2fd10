"""Long work in short steps, so that nobody waits for all of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

SHORT_SECONDS = 0.001
"""What needs no rest: a review that is answered from memory takes as long."""
TURNS_BETWEEN = 3
"""Two steps: a turn of the event loop with a step in it takes the longer, and a review needs several turns."""
_Item = TypeVar("_Item")


class Turns:
    """Lets long work go on by a step now and then, whoever's it is.

    What is short needs no turn: between two steps of what is long, all of it gets on.
    """

    def __init__(self, *, rest: float = 0.0) -> None:
        """Take how many times as long as a step the rest after it is, where the step is not short."""
        self._rest = rest
        self._rest_until = 0.0
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait for a turn of the event loop that nobody else has taken here; who came first goes first."""
        async with self._lock:
            for _ in range(TURNS_BETWEEN):
                await asyncio.sleep(0)
            await asyncio.sleep(self._rest_until - time.monotonic())
            asyncio.get_running_loop().call_soon(self._end, time.monotonic())

    async def over(self, items: Iterable[_Item], *, at_once: int) -> AsyncIterator[_Item]:
        """Give the items, and take a turn after every so many, where there are more."""
        for number, item in enumerate(items):
            if number and number % at_once == 0:
                await self.take()
            yield item

    def _end(self, begun_at: float) -> None:
        now = time.monotonic()
        if now - begun_at > SHORT_SECONDS:
            self._rest_until = now + self._rest * (now - begun_at)
