"""Equal questions in flight share one answer, and an answer may serve for a while."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class _Flight(Generic[Value]):
    task: asyncio.Task[Value]
    waiters: int = 0


class Flights(Generic[Key, Value]):
    """Runs one task for all that wait for the same key; nothing is remembered once it has answered.

    A waiter that is cancelled disturbs nobody; when the last one goes, the task is cancelled.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight[Value]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, key: Key, start: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Wait for the answer to a question, asking it only if nobody does at the moment.

        Args:
            key: What makes two questions the same.
            start: Asks it.

        Raises:
            Exception: Whatever asking raised, to every waiter.
        """
        flight = self._flights.get(key)
        # One that has just landed is still here for a turn of the loop; joining it would answer without waiting, and
        # who asks again because the answer is too old would never let the loop go on.
        if flight is None or flight.task.done():
            flight = self._launch(key, start)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._land(key, flight)
                flight.task.cancel()

    def _launch(self, key: Key, start: Callable[[], Coroutine[Any, Any, Value]]) -> _Flight[Value]:
        flight = _Flight(asyncio.create_task(start()))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._land(key, flight))
        return flight

    def _land(self, key: Key, flight: _Flight[Value]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class Recent(Generic[Value]):
    """A value that is read when somebody wants it, and at most once in a while.

    Where it cannot be read, what is known serves its time.
    """

    def __init__(
        self,
        read: Callable[[], Coroutine[Any, Any, Value | None]],
        seconds: float,
        observe: Callable[[bool], None] = lambda _is_hit: None,
    ) -> None:
        """Take how to read it.

        Args:
            read: Reads it anew; None when that cannot be done.
            seconds: How long it serves; 0: it is read each time.
            observe: Told each time whether what was known was enough.
        """
        self._observe = observe
        self._read = read
        self._seconds = seconds
        self._flights: Flights[None, Value | None] = Flights()
        self._known: Value | None = None
        self._known_until = 0.0

    async def read(self, is_enough: Callable[[Value], bool], *, until: float) -> Value | None:
        """Give the value as it was at most so many seconds ago or, where that is not enough, as it is.

        Args:
            is_enough: Says so.
            until: How long to wait for it, by the running loop's clock.

        Returns:
            None when it is not known and cannot be read by then.
        """
        known = self._known if asyncio.get_running_loop().time() < self._known_until else None
        is_hit = known is not None and is_enough(known)
        self._observe(is_hit)
        if is_hit:
            return known
        renewed = None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                renewed = await self._flights.join(None, self._renew)
        return known if renewed is None else renewed

    async def _renew(self) -> Value | None:
        value = await self._read()
        if value is not None:
            self._known, self._known_until = value, asyncio.get_running_loop().time() + self._seconds
        return value
