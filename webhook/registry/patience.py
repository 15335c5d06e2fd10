"""Patience with registries: who asked to be left alone is, and who fails several times in a row is left for a moment.

A registry is an origin, a place: who speaks http to a port of https learns nothing about it. Nobody's time is spent on
a sick one: who would ask is held back, and learns so at once. Only places with trouble are remembered, so that a
healthy one costs nothing and is never held back.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from webhook.registry.exchange import (
    AddressRefused,
    Answer,
    ConnectFailed,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    Reply,
    TimedOut,
    TlsFailed,
)
from webhook.registry.origins import Origin
from webhook.registry.pause import read_pause

MAX_FAILURES = 5
"""In a row, then a place is sick: of one asker, for that asker; of as many askers, for everybody. A pod of a few images
meets one restart of a registry without that. Not fewer askers: what a tenant's few namespaces meet may be of their own
making, and where only few deploy, each is spared by its own row."""
OPEN_SECONDS = 1.0
"""How long a sick place is left alone before one request probes it. Together with a probe that hangs as long as a
request may by default (3.5 s), verdicts are right again within 5 s after the registry is."""
PROBE_SECONDS = 4.0
"""After this, a probe that was never heard of again no longer holds up the next; longer than a request by default."""
DOUBT_SECONDS = 1.0
"""When nobody asked for so long after a sick place might have been probed, all are let through again, and the first
failure closes the door: what a registry did an hour ago holds back nobody's burst of questions."""
MAX_PLACES = 1024
"""Places with trouble that are remembered; clusters use tens of registries. What is forgotten is merely asked."""
MAX_ASKERS = 16
"""Askers of one place whose own failures are counted; more of them fail for everybody long before."""
MAX_ACCOUNTS = 4096
"""Accounts that were asked to wait: several for each place, some 400 bytes each."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_RATE_LIMITED = HeldBack("rate limited")
_SICK = HeldBack("sick")
_FAILING_STATUSES = frozenset((502, 503, 504))
"""Of gateways, and of registries that start or stop. Not 500: one broken repository is enough for that."""


@dataclass(slots=True)
class _Breaker:
    """Counts failures in a row, then holds back: all for a moment, then all but one probe."""

    failures: int = 0
    until: float = -math.inf
    probe_until: float = -math.inf

    def holds(self, at: float) -> bool:
        return self.failures == MAX_FAILURES and at < max(self.until, self.probe_until)

    def admit(self, at: float) -> None:
        """Take note of one that is let through."""
        if self.failures < MAX_FAILURES:
            return
        if at < max(self.until, self.probe_until) + DOUBT_SECONDS:
            self.probe_until = at + PROBE_SECONDS
        else:
            self.failures = MAX_FAILURES - 1

    def fail(self, at: float) -> None:
        """Count a failure. Requests that were under way when it opened keep it open no longer."""
        self.failures = min(self.failures + 1, MAX_FAILURES)
        if self.failures == MAX_FAILURES and at >= self.until:
            self.trip(at)

    def trip(self, at: float) -> None:
        self.until = at + OPEN_SECONDS
        self.probe_until = at

    def follow(self, other: "_Breaker") -> None:
        """Be open for as long as another that is."""
        self.failures = MAX_FAILURES
        self.until = max(self.until, other.until)

    def free(self, at: float) -> None:
        """Give up the probe's place."""
        self.probe_until = min(self.probe_until, at)


@dataclass(slots=True)
class _Place:
    """What failed at a place since it last answered anybody.

    An asker may ask for what makes a healthy registry fail, such as a repository with a broken upstream. So what one
    asker meets holds back that asker; it counts for everybody only where the last that counted were others'. Fewer than
    `MAX_FAILURES` never get beyond their number, nor can they hold up the others by failing as their probe in turn.
    """

    shared: _Breaker = field(default_factory=_Breaker)
    own: OrderedDict[str, _Breaker] = field(default_factory=OrderedDict)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_FAILURES - 1))
    """The askers whose failures were the last that counted for everybody, all different. None has lost its breaker in
    `own`: of the `MAX_ASKERS` others that this takes, enough would have counted to take its place here before."""

    def breakers(self, asker: str) -> list[_Breaker]:
        """Those that hold this asker back."""
        own = [self.own[asker]] if asker in self.own else []
        return own if asker in self.recent else [self.shared, *own]

    def fail(self, asker: str, at: float) -> None:
        _keep(self.own, asker, self.own.get(asker, _Breaker()), MAX_ASKERS).fail(at)
        if asker not in self.recent:
            self.recent.append(asker)
            self.shared.fail(at)
            self._hold_recent(at)

    def _hold_recent(self, at: float) -> None:
        """Hold those back as long as all, whom the breaker of all does not."""
        for asker in self.recent if self.shared.holds(at) else ():
            self.own[asker].follow(self.shared)

    def is_open(self, at: float) -> bool:
        return any(breaker.holds(at) for breaker in (self.shared, *self.own.values()))


class Patience:
    """Remembers, within bounds, which places want to be left alone; times are of one clock that never goes back."""

    def __init__(self) -> None:
        self._pauses: OrderedDict[tuple[Origin, str, str], float] = OrderedDict()
        self._places: OrderedDict[Origin, _Place] = OrderedDict()

    def may_ask(self, origin: Origin, account: str, at: float, *, asker: str = "") -> HeldBack | None:
        """Say whether a request may be sent now; to be asked last of all, when it would be sent at once.

        Args:
            origin: Where it goes.
            account: A fingerprint of the login that is offered, empty for none. Waiting is the account's own.
            at: The time, in seconds.
            asker: On whose behalf, such as a namespace, however many logins it has.

        Returns:
            None: it may, and its end must be noted, by `note` or by `note_abandoned`, for it may be the probe.
        """
        held = self.find_hold(origin, account, at, asker=asker)
        place = self._places.get(origin) if held is None else None
        for breaker in place.breakers(asker) if place else []:
            breaker.admit(at)
        return held

    def find_hold(self, origin: Origin, account: str, at: float, *, asker: str = "") -> HeldBack | None:
        """Say whether a request would be held back now, without a claim to be the one that is let through."""
        whose = (("account", account), ("asker", asker))
        if at < max(self._pauses.get((origin, *one), -math.inf) for one in whose):
            return _RATE_LIMITED
        place = self._places.get(origin)
        is_sick = place is not None and any(breaker.holds(at) for breaker in place.breakers(asker))
        return _SICK if is_sick else None

    def note(self, origin: Origin, account: str, reply: Reply, at: float, *, asker: str = "") -> None:
        """Take note of what came of a request that was let through.

        Every answer but 502, 503 and 504 shows that the place is well. So does a fault that needs somebody to talk to,
        such as an answer that is not HTTP. Where nothing was sent, nothing is known.
        """
        pause = read_pause(reply) if isinstance(reply, Answer) else None
        if isinstance(reply, Answer) and pause is not None:
            # Too many requests are the account's; a 503 may be about what this asker alone asks for.
            key = (origin, *(("account", account) if reply.status == 429 else ("asker", asker)))
            _keep(self._pauses, key, max(at + pause, self._pauses.get(key, at)), MAX_ACCOUNTS)
        if _is_failure(reply):
            place = _keep(self._places, origin, self._places.get(origin, _Place()), MAX_PLACES)
            place.fail(asker, at)
        elif isinstance(reply, AddressRefused | HeldBack):
            self.note_abandoned(origin, at, asker=asker)
        else:
            self._places.pop(origin, None)

    def note_abandoned(self, origin: Origin, at: float, *, asker: str = "") -> None:
        """Take note that a request that was let through ended without a reply, so that another may be the probe."""
        place = self._places.get(origin)
        for breaker in place.breakers(asker) if place else []:
            breaker.free(at)

    def open_places(self, at: float) -> tuple[str, ...]:
        """Name those that are sick, for an asker at least: `host`, or `host:port` where URLs name the port."""
        return tuple(dict.fromkeys(origin.netloc for origin, place in self._places.items() if place.is_open(at)))


def _is_failure(reply: Reply) -> bool:
    if isinstance(reply, Answer):
        return reply.status in _FAILING_STATUSES
    return isinstance(reply, ConnectFailed | TimedOut | NameNotFound | TlsFailed | ProxyFailed)


def _keep(known: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> Value:
    """Remember a value; of more than so many, the one is forgotten that was longest not renewed."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
    return value
