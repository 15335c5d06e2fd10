"""Slots that are shared fairly, so that one noisy asker cannot make the others wait without end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

CURRENT_ASKER: ContextVar[str] = ContextVar("current_asker", default="")
"""On whose behalf the task works, for what cannot be told by an argument: libraries call our resolver from tasks of
their own."""
_Turn = asyncio.Future[None]


@contextmanager
def counted(counts: Counter[str], asker: str) -> Iterator[None]:
    """Count one more for an asker inside the block; nothing is kept of those that have none."""
    counts[asker] += 1
    try:
        yield
    finally:
        counts[asker] -= 1
        if not counts[asker]:
            del counts[asker]


class FairSlots:
    """A semaphore with one line for each asker: the lines take turns, and within one, who came first goes first.

    Nothing is remembered of askers that neither hold nor wait.
    """

    def __init__(self, slots: int, *, most_of_one: int) -> None:
        """Take the limits.

        Args:
            slots: How many may be held at once.
            most_of_one: How many of them one asker may hold; fewer than `slots`, some are left for the others.
        """
        self._free = slots
        self._most_of_one = most_of_one
        self._held: dict[str, int] = {}
        # Dictionaries stand for ordered sets: a waiter that gives up leaves the middle of a line at no cost.
        self._lines: dict[str, dict[_Turn, None]] = {}

    def __len__(self) -> int:
        """How many hold a slot or wait for one."""
        return sum(self._held.values()) + sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def slot(self, asker: str) -> AsyncIterator[None]:
        """Hold a slot inside the block; wait for it first."""
        await self.acquire(asker)
        try:
            yield
        finally:
            self.release(asker)

    async def acquire(self, asker: str) -> None:
        """Wait for a slot and take it; whoever is cancelled meanwhile has none."""
        if self._may_hold(asker):
            self._take(asker)
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(asker, {})[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(asker)  # It had been given a slot, and was cancelled before it could know.
            else:
                self._leave(asker, turn)
            raise

    def release(self, asker: str) -> None:
        """Give back a slot; from the loop's own thread, by anybody on the asker's behalf."""
        self._free += 1
        self._held[asker] -= 1
        if not self._held[asker]:
            del self._held[asker]
        self._hand_on()

    def _may_hold(self, asker: str) -> bool:
        # Nobody is overtaken: while one waits, no slot is free or its asker has all that it may hold.
        return self._free > 0 and self._held.get(asker, 0) < self._most_of_one

    def _take(self, asker: str) -> None:
        self._free -= 1
        self._held[asker] = self._held.get(asker, 0) + 1

    def _hand_on(self) -> None:
        """Give the free slot to the first line that may have it; that line goes behind the others."""
        while (asker := next((asker for asker in self._lines if self._may_hold(asker)), None)) is not None:
            line = self._lines.pop(asker)
            turn = next(iter(line))
            del line[turn]
            if line:
                self._lines[asker] = line
            if not turn.done():  # Else its waiter is cancelled and does not know yet.
                self._take(asker)
                turn.set_result(None)

    def _leave(self, asker: str, turn: _Turn) -> None:
        line = self._lines.get(asker, {})
        line.pop(turn, None)
        if not line:
            self._lines.pop(asker, None)
