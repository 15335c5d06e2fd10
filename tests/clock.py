"""An event loop whose time passes at once, so that an hour of remembering takes no hour."""

import asyncio
import selectors
from typing import Any


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: where the loop would sleep, its time jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        # Whole microseconds: sums of floats would put what happens at one time before or behind its limit by chance.
        self.now = round(self.now + timeout, 6)
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """Runs timers in their order and nothing else: no sockets, no threads. It begins at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def spend(self, seconds: float) -> None:
        """Let time pass as if the running code had worked for so long."""
        self._jumping.now += seconds


async def sleep_until(at: float) -> None:
    """Sleep until a time of the running loop's clock."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()
    loop.call_at(at, woken.set_result, None)
    await woken
