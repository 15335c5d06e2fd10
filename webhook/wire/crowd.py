"""Who is connected, and who goes when there is no more room."""

from collections.abc import Iterable
from enum import Enum
from typing import Protocol

FAIR_SECONDS = 1.0
"""What everybody has for the next step before others are let in instead. The API server takes milliseconds for a
handshake and for a request, and a second where its machine is busy; whoever has not come to an end by then is slow or
means ill."""


class Standing(Enum):
    """What a connection is about."""

    SILENT = "silent"
    """It has said nothing yet; it costs a file descriptor and little else."""
    UNFINISHED = "unfinished"
    """It is its turn: to finish the handshake, to begin its first request, or to finish a request."""
    IDLE = "idle"
    """It was answered and has asked nothing since; the API server keeps such ones to use them again."""
    WORKING = "working"
    """It is our turn."""


class Member(Protocol):
    """A connection, or what may become one."""

    def abort(self) -> None:
        """End now, without a goodbye."""


class Crowd:
    """The connections of a listener, bounded in number.

    Whoever comes when there are too many takes the place of the one that has kept us waiting longest, or waits for a
    moment while nobody has for long. One that waits for us never goes: neither a review in flight nor, in a burst of
    the API server's, a handshake that we have not come to yet.
    """

    def __init__(self, *, max_quiet: int, max_all: int) -> None:
        """Begin empty.

        Args:
            max_quiet: Connections that are unfinished or idle.
            max_all: Connections of all kinds.
        """
        self._max_quiet = max_quiet
        self._max_all = max_all
        # Each in the order in which they came to their standing: what drips is made no younger by it.
        self._since: dict[Standing, dict[Member, float]] = {standing: {} for standing in Standing}
        self._standings: dict[Member, Standing] = {}

    def __len__(self) -> int:
        return len(self._standings)

    @property
    def is_larger_than_the_quiet_may_be(self) -> bool:
        """Whether there would be too many if all were idle."""
        return len(self) > self._max_quiet

    def place(self, member: Member, standing: Standing, now: float) -> None:
        """Note what a connection is about from now on, in seconds of any one clock."""
        if self._standings.get(member) is not standing:
            self.leave(member)
            self._standings[member] = standing
            self._since[standing][member] = now

    def leave(self, member: Member) -> None:
        """Forget a connection; one that is not here may leave."""
        standing = self._standings.pop(member, None)
        if standing:
            del self._since[standing][member]

    def let_come(self, now: float) -> bool:
        """Make room for one more who is silent yet; false where it has to wait."""
        while len(self) >= self._max_all:
            if not self._end_first((Standing.SILENT, *self._quiet_to_go()), before=now - FAIR_SECONDS):
                return False
        return True

    def let_begin(self, now: float) -> bool:
        """Make room for one more who shakes hands or asks; false where it has to wait."""
        while self._count_quiet() >= self._max_quiet:
            if not self._end_first(self._quiet_to_go(), before=now - FAIR_SECONDS):
                return False
        return True

    def end_any(self, now: float) -> None:
        """End the one that is missed least, however short a time it has been here, unless all wait for us."""
        self._end_first((Standing.SILENT, Standing.UNFINISHED, Standing.IDLE), before=now)

    def _count_quiet(self) -> int:
        return len(self._since[Standing.UNFINISHED]) + len(self._since[Standing.IDLE])

    def _quiet_to_go(self) -> tuple[Standing, ...]:
        """Name who may go. Half of the room is the idle ones', whatever crowd is at the door."""
        is_idle_spared = 2 * len(self._since[Standing.IDLE]) <= self._max_quiet
        return (Standing.UNFINISHED,) if is_idle_spared else (Standing.UNFINISHED, Standing.IDLE)

    def _end_first(self, standings: Iterable[Standing], *, before: float) -> bool:
        """End the first of these, of the first standing where there is one that is old enough."""
        for standing in standings:
            member, since = next(iter(self._since[standing].items()), (None, 0.0))
            if member and since <= before:
                self.leave(member)
                member.abort()
                return True
        return False
