"""Who is connected, and who goes when there is no more room."""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Protocol

FAIR_SECONDS = 1.0
"""What everybody has for the next step before others are let in instead. The API server takes milliseconds for a
handshake and for a request, and a second where its machine is busy; whoever has not come to an end by then is slow or
means ill."""

CROWDING_SHARE = 0.75
"""Of all of the room, what a peer may have before it makes room at once. An API server has 600 calls in flight at most,
unless it is set up otherwise (`--max-requests-inflight`): less than half of the room there is by default."""


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


_QUIET = (Standing.UNFINISHED, Standing.IDLE)
_BEGUN = (Standing.WAITING, *_QUIET, Standing.WORKING)
_SILENT = (Standing.SILENT,)


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
    moment while nobody has for long. A peer that takes most of the room makes room before all others do, and at once:
    at the door for anybody, since nobody knows before the accept who it is; for a handshake only where it is another's,
    while its own have to wait for one of its own. One whose review is in flight never goes, though it counts; nor does
    one whose handshake we have not come to yet, unless its peer takes most of the room.
    """

    def __init__(self, *, max_silent: int, max_quiet: int, max_all: int) -> None:
        """Begin empty.

        Args:
            max_silent: Connections that are silent, beside all others.
            max_quiet: Connections that are unfinished or idle.
            max_all: Connections of all kinds but the silent with which another one is accepted. Those who were silent
                and speak are not asked, so that there may be `max_silent` more.
        """
        self._max_silent = max_silent
        self._max_quiet = max_quiet
        self._max_all = max_all
        # Each in the order in which they came to their standing: what drips is made no younger by it.
        self._since: dict[Standing, dict[Member, float]] = {standing: {} for standing in Standing}
        self._standings: dict[Member, Standing] = {}
        self._of_peers: dict[tuple[Standing, ...], Counter[str]] = {
            standings: Counter() for standings in (_QUIET, _BEGUN, _SILENT)
        }

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
            crowding = self._crowding(_BEGUN, CROWDING_SHARE * self._max_all)
            quiet = self._quiet_to_go()
            if not (self._end_oldest((*quiet, Standing.WAITING), crowding) or self._end_slow(quiet, now)):
                return False
        if len(self._since[Standing.SILENT]) >= self._max_silent:
            crowding = self._crowding(_SILENT, CROWDING_SHARE * self._max_silent)
            return self._end_oldest(_SILENT, crowding) or self._end_slow(_SILENT, now)
        return True

    def let_begin(self, now: float, peer: str) -> bool:
        """Make room for one more who shakes hands; false where it has to wait.

        Where two peers have to wait, all have to: there are different answers only where one peer takes more than half
        of the room, and that peer is told another than all the others.
        """
        while self._count_quiet() >= self._max_quiet:
            crowding = self._crowding(_QUIET, self._max_quiet / 2)
            quiet = self._quiet_to_go()
            # Newcomers of the crowding one's are at its own expense, however long others have been here.
            if not (self._end_oldest(quiet, crowding - {peer}) or self._end_slow(quiet, now, crowding)):
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

    def _count(self, peer: str, standing: Standing, more: int) -> None:
        for standings, counts in self._of_peers.items():
            if standing in standings:
                counts[peer] += more
                if not counts[peer]:
                    del counts[peer]

    def _crowding(self, standings: tuple[Standing, ...], bound: float) -> set[str]:
        """Find the peers that have more of these connections than they may."""
        return {peer for peer, count in self._of_peers[standings].items() if count > bound}

    def _end_slow(self, standings: Iterable[Standing], now: float, peers: Collection[str] = ()) -> bool:
        """End the one that has kept us waiting longest, of the first standing where one has for long; false: none has.

        Args:
            standings: The first of them goes first.
            now: In seconds of the clock of `place`.
            peers: Whose it must be; none: anybody's.
        """
        return self._end_oldest(standings, peers or None, now - FAIR_SECONDS)

    def _end_oldest(
        self, standings: Iterable[Standing], peers: Collection[str] | None = None, until: float = math.inf
    ) -> bool:
        """End the first of the first standing that has one; false: none has.

        Args:
            standings: The first of them goes first.
            peers: Whose it must be; None: anybody's.
            until: When it must have come to its standing, at the latest.
        """
        for standing in standings if peers is None or peers else ():
            for member, since in self._since[standing].items():
                if since > until:
                    break
                if peers is None or member.peer in peers:
                    self.leave(member)
                    member.abort()
                    return True
        return False
