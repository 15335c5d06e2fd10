"""The registry client: holds a conversation by sending what it intends and telling it what came."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from webhook.fairness import CURRENT_ASKER, FairSlots, counted
from webhook.flights import Flights
from webhook.registry.conversation import Conversation
from webhook.registry.exchange import AddressRefused, FetchToken, Intent, Reply, TimedOut
from webhook.registry.origins import Origin, read_origin
from webhook.registry.patience import Patience
from webhook.registry.request import Request, build
from webhook.registry.resolution import Blocked, Conclusion
from webhook.shortcuts import Notes, Shortcuts
from webhook.turns import Turns

MAX_REQUESTS = 512
"""Requests under way over all registries, so that sockets stay below the 1,024 that a process may have by default."""
_MOST_OF_ONE = 0.75
"""Of the places at a registry, and of all: what the images of one namespace may take, so that others find some free."""
MAX_AT_ONCE = 8
"""Requests under way for one namespace that are sent as they come; each one beyond takes a turn, since sending and
reading are half a millisecond in which nobody else is answered."""
SILENT_SECONDS = 1.5
"""A request that its review gave up after so long has timed out, as far as patience goes: reviews may have less time
than a request."""

Observer = Callable[[Intent, Reply, float], None]


class Exchanger(Protocol):
    """What moves bytes; `wire.connections` has its form."""

    async def exchange(self, request: Request) -> Reply:
        """Send a request and return its answer, or the fault that came instead."""


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a registry is asked."""

    namespace: str = ""
    account: str = ""
    """A fingerprint of all that is offered; empty: nothing is."""


def ignore(intent: Intent, reply: Reply, duration_seconds: float) -> None:
    """Observe nothing."""


class Registries:
    """Drives conversations, with what earlier ones spare them, as patiently and as fairly as the rules say."""

    def __init__(
        self,
        exchanger: Exchanger,
        *,
        judge_url: Callable[[str], Blocked | None],
        find_proxy: Callable[[str], str | None],
        per_registry: int,
        shortcuts: Shortcuts,
        observe: Observer = ignore,
    ) -> None:
        """Take the parts and the limit.

        Args:
            exchanger: What moves bytes.
            judge_url: Says what keeps us from contacting a URL (`Destinations.judge_url`).
            find_proxy: Finds the proxy for a URL (`Proxies.find`).
            per_registry: Requests under way at once to one host and port.
            shortcuts: Challenges and tokens that are known.
            observe: Called once for every request, also one that is held back or given up (`TimedOut`), with what was
                wanted, what came, and how long it took.
        """
        self._exchanger = exchanger
        self._judge_url = judge_url
        self._find_proxy = find_proxy
        self._per_registry = per_registry
        self._shortcuts = shortcuts
        self._observe = observe
        self._patience = Patience()
        self._lanes: dict[Origin, FairSlots] = {}
        self._all = _fair(MAX_REQUESTS)
        self._turns = Turns()
        self._under_way: Counter[str] = Counter()
        """Requests by namespace, those that wait for a place among them."""
        self._tokens: Flights[Hashable, Reply] = Flights()

    def sick(self) -> tuple[str, ...]:
        """Name those that are left alone at the moment because they failed: `host` or `host:port`, as URLs have it."""
        return self._patience.open_places(asyncio.get_running_loop().time())

    async def hold(self, start: Callable[[], Conversation], *, namespace: str, account: str) -> Conclusion:
        """Hold a conversation to its end; twice, where the first was misled by what was remembered.

        Cancelling ends it at once, and costs at most the connection of the request that was under way.

        Args:
            start: Begins it.
            namespace: On whose behalf; no other gets to use what a login is answered with.
            account: A fingerprint of all that is offered; empty: nothing is.
        """
        notes = Notes(self._shortcuts, namespace)
        asker = Asker(namespace, account)
        clock = asyncio.get_running_loop().time
        conclusion = await self._run(start(), notes, asker)
        if notes.close(conclusion, clock()):
            conclusion = await self._run(start(), notes, asker)
            notes.close(conclusion, clock())
        return conclusion

    async def _run(self, conversation: Conversation, notes: Notes, asker: Asker) -> Conclusion:
        clock = asyncio.get_running_loop().time
        try:
            intent = next(conversation)
            while True:
                reply = notes.find(intent, clock())
                if reply is None:
                    reply = await self._ask_once(intent, asker)
                    notes.tell(intent, reply)
                intent = conversation.send(reply)
        except StopIteration as end:
            conclusion: Conclusion = end.value
            return conclusion
        finally:
            conversation.close()

    async def _ask_once(self, intent: Intent, asker: Asker) -> Reply:
        """Ask, unless somebody is asking for the very same token."""
        if not isinstance(intent, FetchToken):
            return await self.ask(intent, asker)
        key = self._shortcuts.key(intent, asker.namespace), asker.namespace
        return await self._tokens.join(key, lambda: self.ask(intent, asker))

    async def ask(self, intent: Intent, asker: Asker = Asker()) -> Reply:
        """Do what one intent says, if the rules let it; wait for a free place at its host first."""
        blocked = self._judge_url(intent.url)
        origin = read_origin(intent.url)
        if blocked is not None or origin is None:
            return AddressRefused(blocked.setting if blocked else "")
        request = build(intent, proxy=self._find_proxy(intent.url))
        clock = asyncio.get_running_loop().time
        begin = clock()
        # Nobody waits in line for what will be held back; who came before the trouble finds it at the line's end.
        held = self._patience.find_hold(origin, asker.account, begin, asker=asker.namespace)
        if held is None:
            async with self._begun(asker.namespace), self._place(origin, asker.namespace):
                begin = clock()
                reply = await self._send(intent, request, origin, asker)
        else:
            reply = held
        self._observe(intent, reply, clock() - begin)
        return reply

    async def _send(self, intent: Intent, request: Request, origin: Origin, asker: Asker) -> Reply:
        clock, patience, namespace = asyncio.get_running_loop().time, self._patience, asker.namespace
        begin = clock()
        held = patience.may_ask(origin, asker.account, begin, asker=namespace)
        if held is not None:
            return held
        try:
            CURRENT_ASKER.set(namespace)
            reply = await self._exchanger.exchange(request)
        except BaseException as reason:
            self._note_unanswered(origin, asker, clock() - begin)
            if isinstance(reason, asyncio.CancelledError):
                # Nobody is there to tell of it later, and a silent registry must not look as if nobody had asked it.
                self._observe(intent, TimedOut(), clock() - begin)
            raise
        patience.note(origin, asker.account, reply, clock(), asker=namespace)
        return reply

    def _note_unanswered(self, origin: Origin, asker: Asker, duration_seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        if duration_seconds < SILENT_SECONDS:
            self._patience.note_abandoned(origin, now, asker=asker.namespace)
        else:
            self._patience.note(origin, asker.account, TimedOut(), now, asker=asker.namespace)

    @asynccontextmanager
    async def _begun(self, namespace: str) -> AsyncIterator[None]:
        """Have a request of a namespace with many take a turn first; it holds no place meanwhile."""
        with counted(self._under_way, namespace):
            if self._under_way[namespace] > MAX_AT_ONCE:
                await self._turns.take(namespace)
            yield

    @asynccontextmanager
    async def _place(self, origin: Origin, namespace: str) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(origin, _fair(self._per_registry))
        try:
            async with lane.slot(namespace), self._all.slot(namespace):
                yield
        finally:
            if not len(lane) and self._lanes.get(origin) is lane:
                del self._lanes[origin]


def _fair(slots: int) -> FairSlots:
    return FairSlots(slots, most_of_one=max(1, int(slots * _MOST_OF_ONE)))
