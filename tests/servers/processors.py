"""Which processor does what, so that what is measured does not depend on how the others share."""

import contextlib
import os
from collections.abc import Iterator

SERVED_BY, CALLED_FROM = 0, -1
"""Of the processors that there are: the first is the measured server's own, the last has all others."""
_LATER, _SOONER = 10, -10
"""Of niceness: a tenth, or ten times, of the time of those who have none, where both want all of it."""


@contextlib.contextmanager
def on_processor(number: int) -> Iterator[None]:
    """Have what is started in the block stay on one processor; where there is but one, nothing changes."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def step_back() -> None:
    """Have this thread, and all that it starts, let others go first, for good."""
    os.setpriority(os.PRIO_PROCESS, 0, _LATER)


def step_forward() -> None:
    """Have this thread go before others, for good, where the system grants it: root alone may ask for it."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _SOONER)
