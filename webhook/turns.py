"""Long work in short steps, so that nobody waits for all of it."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from webhook.fairness import FairSlots

STEP_SECONDS = 0.0005
"""What long work does at once: a review that is answered from memory takes twice as long."""
TURNS_BETWEEN = 3
"""Two steps: a turn of the event loop with a step in it takes the longer, and a review needs several turns."""
MAX_REST_SECONDS = 0.075
"""After one step, however long it was."""
_Item = TypeVar("_Item")


class Turns:
    """Lets long work go on by a step now and then; those who wait for it take turns.

    What is short needs no turn: between two steps of what is long, all of it gets on.
    """

    def __init__(self, *, rest: float = 0.0) -> None:
        """Take how many times as long as a step the rest after it is, where the step is longer than most."""
        self._rest = rest
        self._rest_until = 0.0
        self._line = FairSlots(1, most_of_one=1)

    @asynccontextmanager
    async def step(self, asker: str = "", *, until: float = math.inf) -> AsyncIterator[None]:
        """Do the step inside the block in a turn of its own; it must not wait for anything.

        Args:
            asker: On whose behalf: one who has many steps to do does not hold up another's.
            until: How long to wait for the turn, by the running loop's clock.

        Raises:
            TimeoutError: The turn did not come by then.
        """
        async with asyncio.timeout_at(until if until < math.inf else None):
            await self._line.acquire(asker)
            try:
                await self._wait()
            except BaseException:
                self._line.release(asker)
                raise
        begun_at = time.monotonic()
        try:
            yield
        finally:
            self._line.release(asker)
            self._end(begun_at)

    async def take(self, asker: str = "", *, until: float = math.inf) -> None:
        """Wait for a turn, and no longer than until then: what follows is done with or without it."""
        with suppress(TimeoutError):
            async with self.step(asker, until=until):
                pass

    async def over(self, items: Iterable[_Item], asker: str = "", *, until: float = math.inf) -> AsyncIterator[_Item]:
        """Give the items, and take a turn whenever the work on those before it was long enough for a step."""
        begun_at = time.monotonic()
        for item in items:
            if time.monotonic() - begun_at > STEP_SECONDS:
                await self.take(asker, until=until)
                begun_at = time.monotonic()
            yield item

    async def _wait(self) -> None:
        for _ in range(TURNS_BETWEEN):
            await asyncio.sleep(0)
        if self._rest_until > time.monotonic():
            await asyncio.sleep(self._rest_until - time.monotonic())

    def _end(self, begun_at: float) -> None:
        now = time.monotonic()
        if now - begun_at > STEP_SECONDS:
            self._rest_until = now + min(MAX_REST_SECONDS, self._rest * (now - begun_at))
