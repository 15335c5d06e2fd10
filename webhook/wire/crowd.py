"""Who is connected, and who goes when there is no more room."""

from collections import Counter
from collections.abc import Container, Iterable
from enum import Enum
from typing import Protocol

FAIR_SECONDS = 1.0
"""What everybody has for the next step before others are let in instead. The API server takes milliseconds for a
handshake and for a request, and a second where its machine is busy; whoever has not come to an end by then is slow or
means ill."""

CROWDING_SHARE = 0.75
"""Of the room for newcomers, what a peer may have before it makes room for others. An API server has 600 calls in
flight at most, unless it is set up otherwise (`--max-requests-inflight`)."""


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
    moment while nobody has for long. A peer that takes most of the room has no such patience to expect where there are
    others. One whose review is in flight never goes, nor does one whose handshake we have not come to yet, unless
    nearly all of the room is such ones of its peer.
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
        self._of_peers: dict[Standing, Counter[str]] = {standing: Counter() for standing in Standing}

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
            self._of_peers[standing][member.peer] += 1

    def leave(self, member: Member) -> None:
        """Forget a connection; one that is not here may leave."""
        standing = self._standings.pop(member, None)
        if standing:
            del self._since[standing][member]
            self._of_peers[standing][member.peer] -= 1
            if not self._of_peers[standing][member.peer]:
                del self._of_peers[standing][member.peer]

    def let_come(self, now: float) -> bool:
        """Make room for one more who is silent yet; false where it has to wait."""
        while self._count_begun() >= self._max_all:
            standings = (*self._quiet_to_go(), Standing.WAITING)
            if not (self._end_slow(self._quiet_to_go(), now) or self._end_of_crowd(standings, self._max_all)):
                return False
        silent = (Standing.SILENT,)
        if len(self._since[Standing.SILENT]) >= self._max_silent:
            return self._end_slow(silent, now) or self._end_of_crowd(silent, self._max_silent)
        return True

    def let_begin(self, now: float, peer: str) -> bool:
        """Make room for one more who shakes hands; false where it has to wait."""
        while self._count_quiet() >= self._max_quiet:
            if not (self._end_slow(self._quiet_to_go(), now) or self._end_for(peer)):
                return False
        return True

    def end_any(self) -> None:
        """End the one that is missed least, however short a time it has been here, unless all wait for us."""
        self._end_oldest((Standing.SILENT, Standing.UNFINISHED, Standing.IDLE))

    def _count_begun(self) -> int:
        return len(self) - len(self._since[Standing.SILENT])

    def _count_quiet(self) -> int:
        return len(self._since[Standing.UNFINISHED]) + len(self._since[Standing.IDLE])

    def _quiet_to_go(self) -> tuple[Standing, ...]:
        """Name who may go. Half of the room is the idle ones', whatever crowd is at the door."""
        is_idle_spared = 2 * len(self._since[Standing.IDLE]) <= self._max_quiet
        return (Standing.UNFINISHED,) if is_idle_spared else (Standing.UNFINISHED, Standing.IDLE)

    def _end_slow(self, standings: Iterable[Standing], now: float) -> bool:
        """End the one that has kept us waiting longest, of the first standing where one has for long."""
        slow = (
            standing for standing in standings if next(iter(self._since[standing].values()), now) <= now - FAIR_SECONDS
        )
        return self._end_oldest(slow)

    def _end_for(self, peer: str) -> bool:
        """End one of another peer that takes more than half of the room for the quiet."""
        quiet = self._of_peers[Standing.UNFINISHED] + self._of_peers[Standing.IDLE]
        crowding = {other for other, count in quiet.items() if 2 * count > self._max_quiet}
        return self._end_oldest(self._quiet_to_go(), crowding - {peer})

    def _end_of_crowd(self, standings: tuple[Standing, ...], room: int) -> bool:
        """End one of the peer that takes most of the room for these standings, where there are other peers."""
        counts = sum((self._of_peers[standing] for standing in standings), Counter[str]())
        crowding = {peer for peer, count in counts.items() if count > CROWDING_SHARE * room}
        return len(set().union(*self._of_peers.values())) > 1 and self._end_oldest(standings, crowding)

    def _end_oldest(self, standings: Iterable[Standing], peers: Container[str] | None = None) -> bool:
        """End the first of the first standing that has one, of these peers if they are named; false: none has."""
        for standing in standings:
            for member in self._since[standing]:
                if peers is None or member.peer in peers:
                    self.leave(member)
                    member.abort()
                    return True
        return False
