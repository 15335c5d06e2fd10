"""Who is connected, and who goes when there is no more room."""

from collections import Counter
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
    """It has not said enough to begin a handshake; it costs a file descriptor and little else."""
    WAITING = "waiting"
    """Its handshake is for us to begin."""
    UNFINISHED = "unfinished"
    """It is its turn: to finish the handshake, to begin its first request, or to finish a request."""
    IDLE = "idle"
    """It was answered and has asked nothing since; the API server keeps such ones to use them again."""
    WORKING = "working"
    """It is our turn."""


class Member(Protocol):
    """A connection, or what may become one."""

    @property
    def peer(self) -> str:
        """The address at its other end; empty where there is none."""

    def abort(self) -> None:
        """End now, without a goodbye."""


class Crowd:
    """The connections of a listener, bounded in number.

    Whoever comes when there are too many takes the place of the one that has kept us waiting longest, or waits for a
    moment while nobody has for long. A peer with more than half of the room has no such patience to expect where there
    are others. One whose review is in flight never goes, nor, in a burst of the API server's alone, one whose handshake
    we have not come to yet.
    """

    def __init__(self, *, max_silent: int, max_quiet: int, max_all: int) -> None:
        """Begin empty.

        Args:
            max_silent: Connections that are silent, beside all others.
            max_quiet: Connections that are unfinished or idle.
            max_all: Connections of all kinds but the silent.
        """
        self._max_silent = max_silent
        self._max_quiet = max_quiet
        self._max_all = max_all
        # Each in the order in which they came to their standing: what drips is made no younger by it.
        self._since: dict[Standing, dict[Member, float]] = {standing: {} for standing in Standing}
        self._standings: dict[Member, Standing] = {}
        self._present: Counter[str] = Counter()
        self._unsettled: Counter[str] = Counter()
        """Of each peer, all that are here, and those of them on which nobody works."""

    def __len__(self) -> int:
        return len(self._standings)

    @property
    def is_larger_than_the_quiet_may_be(self) -> bool:
        """Whether there would be too many if all but the silent were idle."""
        return self._count_begun() > self._max_quiet

    def place(self, member: Member, standing: Standing, now: float) -> None:
        """Note what a connection is about from now on, in seconds of any one clock."""
        if self._standings.get(member) is not standing:
            self.leave(member)
            self._standings[member] = standing
            self._since[standing][member] = now
            self._count(member.peer, standing, 1)

    def leave(self, member: Member) -> None:
        """Forget a connection; one that is not here may leave."""
        standing = self._standings.pop(member, None)
        if standing:
            del self._since[standing][member]
            self._count(member.peer, standing, -1)

    def let_come(self, now: float) -> bool:
        """Make room for one more who is silent yet; false where it has to wait."""
        while self._count_begun() >= self._max_all:
            if not self._end_first((*self._quiet_to_go(), Standing.WAITING), now):
                return False
        if len(self._since[Standing.SILENT]) >= self._max_silent:
            # Nobody has to be patient with them: what begins a handshake is sent with the connection.
            self._end(next(iter(self._since[Standing.SILENT])))
        return True

    def let_begin(self, now: float) -> bool:
        """Make room for one more who shakes hands or asks; false where it has to wait."""
        while self._count_quiet() >= self._max_quiet:
            if not self._end_first(self._quiet_to_go(), now):
                return False
        return True

    def end_any(self) -> None:
        """End the one that is missed least, however short a time it has been here, unless all wait for us."""
        for standing in (Standing.SILENT, Standing.UNFINISHED, Standing.IDLE):
            if self._since[standing]:
                self._end(next(iter(self._since[standing])))
                return

    def _count(self, peer: str, standing: Standing, change: int) -> None:
        for counts in (self._present,) if standing is Standing.WORKING else (self._present, self._unsettled):
            counts[peer] += change
            if not counts[peer]:
                del counts[peer]

    def _count_begun(self) -> int:
        return len(self) - len(self._since[Standing.SILENT])

    def _count_quiet(self) -> int:
        return len(self._since[Standing.UNFINISHED]) + len(self._since[Standing.IDLE])

    def _quiet_to_go(self) -> tuple[Standing, ...]:
        """Name who may go. Half of the room is the idle ones', whatever crowd is at the door."""
        is_idle_spared = 2 * len(self._since[Standing.IDLE]) <= self._max_quiet
        return (Standing.UNFINISHED,) if is_idle_spared else (Standing.UNFINISHED, Standing.IDLE)

    def _end_first(self, standings: Iterable[Standing], now: float) -> bool:
        """End the first of these that may go, of the first standing where there is one."""
        for standing in standings:
            for member, since in self._since[standing].items():
                if self._may_go(member, standing, now - since):
                    self._end(member)
                    return True
        return False

    def _may_go(self, member: Member, standing: Standing, age_seconds: float) -> bool:
        is_slow = standing is not Standing.WAITING and age_seconds >= FAIR_SECONDS
        return is_slow or (2 * self._unsettled[member.peer] > self._max_quiet and len(self._present) > 1)

    def _end(self, member: Member) -> None:
        self.leave(member)
        member.abort()
