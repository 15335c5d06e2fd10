"""What may be remembered, and how long: yes, never no. Time is an argument; docs/decisions/0006 says why so little."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from webhook.images.reference import Reference
from webhook.registry.endpoints import Endpoint
from webhook.registry.resolution import Conclusion, Resolved

MAX_BYTES = 16 * 1024 * 1024
"""Of one memory. A secret may have 1 MiB; ordinary entries are far below 1 KiB, so that the number is their bound."""
MIN_ENTRY_BYTES = 512
"""What keeping anything costs beside its key and itself."""

Kind = Literal["tags", "digests", "tokens", "challenges", "secrets", "accounts", "nodes"]
"""The label `memory` of `pullcheck_memory_lookups_total`."""
Observe = Callable[[Kind, bool], None]
"""Told of each lookup whether something was there."""


def ignore(kind: Kind, is_hit: bool) -> None:
    """Observe nothing."""


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Times:
    """How long what is remembered serves, in seconds; 0: it is not remembered."""

    tags_seconds: float = 60.0
    digests_seconds: float = 3600.0
    tokens_seconds: float = 3600.0
    """At most; a registry says how long a token lives."""
    secrets_seconds: float = 10.0
    nodes_seconds: float = 30.0

    def of(self, reference: Reference) -> float:
        """Say how long a resolved reference serves: what a digest names does not change, where a tag points may."""
        return self.digests_seconds if reference.digest else self.tags_seconds


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    known_at: float
    until: float
    size_bytes: int


class Memory(Generic[Key, Value]):
    """Values that each serve for a time of their own; where there is no room, the one that was used longest ago goes.

    What is a secret must be in a key only as a fingerprint.
    """

    def __init__(self, *, entries: int, max_bytes: int = MAX_BYTES) -> None:
        """Take the bounds.

        Args:
            entries: How many at most.
            max_bytes: How large they may be together, by their own account.
        """
        self._entries = entries
        self._max_bytes = max_bytes
        self._known: OrderedDict[Key, _Entry[Value]] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, key: Key, now: float, *, not_before: float = float("-inf")) -> Value | None:
        """Give what is remembered, unless its time is over or it was known before a certain time."""
        entry = self._known.get(key)
        if entry is None or entry.known_at < not_before:
            return None
        if now >= entry.until:
            self.forget(key)
            return None
        self._known.move_to_end(key)
        return entry.value

    def keep(self, key: Key, value: Value, *, now: float, seconds: float, size_bytes: int = 0) -> None:
        """Remember a value, known now, for so many seconds; what is larger than all the room is not remembered."""
        self.forget(key)
        size_bytes += MIN_ENTRY_BYTES + len(repr(key))
        if seconds <= 0 or size_bytes > self._max_bytes:
            return
        self._known[key] = _Entry(value, now, now + seconds, size_bytes)
        self.size_bytes += size_bytes
        while len(self._known) > self._entries or self.size_bytes > self._max_bytes:
            self.forget(next(iter(self._known)))

    def forget(self, key: Key) -> None:
        """Remember it no longer."""
        entry = self._known.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes


@dataclass(frozen=True, slots=True)
class ConclusionKey:
    """What a conclusion depends on."""

    reference: str
    endpoints: tuple[Endpoint, ...]
    namespace: str
    """Whose logins were offered; empty: none were."""
    fingerprints: tuple[str, ...]


class ConclusionMemory:
    """Conclusions by whatever they depended on; only those in which the image resolved."""

    def __init__(self, times: Times, *, entries: int, observe: Observe = ignore) -> None:
        """Take how long they serve, how many there may be, and who is told of lookups."""
        self._times = times
        self._observe = observe
        self._memory: Memory[ConclusionKey, Conclusion] = Memory(entries=entries)

    def recall(self, key: ConclusionKey, reference: Reference, now: float) -> Conclusion | None:
        """Give how it ended, if that was well and not long ago."""
        found = self._memory.recall(key, now)
        self._observe("digests" if reference.digest else "tags", found is not None)
        return found

    def knows(self, key: ConclusionKey, now: float) -> bool:
        """Say whether it would be recalled, and tell nobody that somebody asked."""
        return self._memory.recall(key, now) is not None

    def keep(self, key: ConclusionKey, reference: Reference, conclusion: Conclusion, now: float) -> None:
        """Remember how it ended, if it ended well: a no is asked afresh, and trouble passes."""
        if isinstance(conclusion.resolution, Resolved):
            self._memory.keep(key, conclusion, now=now, seconds=self._times.of(reference))
