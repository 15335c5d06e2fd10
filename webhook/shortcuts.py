"""What earlier conversations with a registry spare the next: the challenge, and a token that is still good.

Only conversations that ended well leave something. Where one that took a shortcut ends otherwise, it is held again:
what came from memory is then read anew, and what the registry said in this very review is not asked twice.
"""

from collections import defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from webhook.memory import Memory, Observe, ignore
from webhook.registry.exchange import Answer, FetchManifest, FetchToken, Intent, Reply
from webhook.registry.resolution import Conclusion, Resolution, Resolved, Unavailable, UnavailableCause
from webhook.registry.token import read_lifetime_seconds

CHALLENGE_SECONDS = 300.0
"""Registries change how they want to be logged in to about never; a stale challenge costs a conversation held twice."""
_DOUBTFUL_ANSWERS = frozenset(
    (UnavailableCause.CHANGED, UnavailableCause.CHALLENGE, UnavailableCause.TOKEN, UnavailableCause.NOT_A_REGISTRY)
)
"""Doubts that a stale challenge can raise about a registry that is well; in trouble, it is not asked more."""
_HEADER_BYTES = 170
"""What a header line costs in memory beside its text."""
_EARLY_SECONDS = 10.0
"""Before its end a token is not used any longer: it still has to travel, and clocks differ."""


class Shortcuts:
    """Challenges and tokens of one process."""

    def __init__(self, process_key: bytes, *, seconds: float, entries: int, observe: Observe = ignore) -> None:
        """Take the bounds.

        Args:
            seconds: How long an answer is remembered at most; 0: not at all.
            process_key: A random key, for the fingerprints of credentials.
            entries: How many answers are remembered.
            observe: Told of lookups.
        """
        self._seconds = seconds
        self._process_key = process_key
        self._observe = observe
        self._memory: Memory[Hashable, Answer] = Memory(entries=entries)

    def key(self, intent: Intent, owner: str) -> Hashable | None:
        """Say what an answer is remembered by: all that it depends on; None where it is not remembered.

        A token that a login was given for is the owner's alone. What anonymous requests got is everybody's.

        Args:
            intent: What is wanted.
            owner: The namespace.
        """
        if isinstance(intent, FetchToken):
            login = intent.credential.fingerprint(self._process_key) if intent.credential else ""
            wanted = (intent.endpoint, intent.url, intent.grant, intent.scopes, intent.service)
            return "tokens", *wanted, login, owner if login else ""
        if intent.method == "HEAD" and intent.authorization is None:
            repository, _, rest = intent.url.rpartition("/")
            return "challenges", intent.endpoint, repository, rest.partition("?")[2]
        return None

    def recall(self, key: Hashable, intent: Intent, now: float) -> Answer | None:
        """Give the answer that is remembered."""
        found = self._memory.recall(key, now)
        self._observe("tokens" if isinstance(intent, FetchToken) else "challenges", found is not None)
        return found

    def keep(self, key: Hashable, intent: Intent, answer: Answer, now: float) -> None:
        """Remember an answer that may serve again: a token, or the challenge to a request without a login."""
        if isinstance(intent, FetchManifest):
            seconds = CHALLENGE_SECONDS if answer.status == 401 else 0.0
        else:
            seconds = read_lifetime_seconds(answer) - _EARLY_SECONDS if answer.status == 200 else 0.0
        size_bytes = len(answer.body) + sum(_HEADER_BYTES + len(name) + len(value) for name, value in answer.headers)
        if seconds > 0:
            self._memory.keep(key, answer, now=now, seconds=min(seconds, self._seconds), size_bytes=size_bytes)

    def forget(self, key: Hashable) -> None:
        """Remember it no longer."""
        self._memory.forget(key)


@dataclass(slots=True)
class Notes:
    """What one conversation took from memory, and what it was told; for at most two runs of it."""

    shortcuts: Shortcuts
    owner: str
    """The namespace on whose behalf it is held."""
    _may_recall: bool = True
    _taken: list[Hashable] = field(default_factory=list)
    _told: list[tuple[Intent, Reply]] = field(default_factory=list)
    _repeatable: dict[Intent, deque[Reply]] = field(default_factory=dict)

    def find(self, intent: Intent, now: float) -> Reply | None:
        """Give what is known: from this review's first run, else, in that first run, from memory."""
        if repeated := self._repeatable.get(intent):
            return repeated.popleft()
        key = self.shortcuts.key(intent, self.owner) if self._may_recall else None
        # What was taken already and asked for again was no good, such as a token that has been revoked.
        is_new = key is not None and key not in self._taken
        found = self.shortcuts.recall(key, intent, now) if is_new else None
        if found is not None:
            self._taken.append(key)
        return found

    def tell(self, intent: Intent, reply: Reply) -> None:
        """Note what was really asked and answered."""
        self._told.append((intent, reply))

    def close(self, conclusion: Conclusion, now: float) -> bool:
        """Draw the consequences of how it ended.

        Returns:
            Whether the conversation has to be held once more: it took something from memory and did not end well.
        """
        if isinstance(conclusion.resolution, Resolved):
            self._keep(now)
            return False
        for key in self._taken:
            self.shortcuts.forget(key)
        must_repeat = bool(self._taken) and not _is_trouble(conclusion.resolution)
        self._may_recall, self._taken = False, []
        self._repeatable = defaultdict(deque)
        for intent, reply in self._told:
            self._repeatable[intent].append(reply)
        return must_repeat

    def _keep(self, now: float) -> None:
        for intent, reply in self._told:
            key = self.shortcuts.key(intent, self.owner)
            if key is not None and isinstance(reply, Answer):
                self.shortcuts.keep(key, intent, reply, now)


def _is_trouble(resolution: Resolution) -> bool:
    return isinstance(resolution, Unavailable) and resolution.cause not in _DOUBTFUL_ANSWERS
