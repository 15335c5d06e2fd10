"""The registry client: holds a conversation by sending what it intends and telling it what came."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from webhook.registry.exchange import AddressRefused, Intent, Reply
from webhook.registry.origins import read_origin
from webhook.registry.request import Request, build
from webhook.registry.resolution import Blocked, Conclusion

MAX_REQUESTS = 512
"""Requests under way over all registries, so that sockets stay below the 1,024 that a process may have by default."""

Observer = Callable[[Intent, Reply, float], None]


class Exchanger(Protocol):
    """What moves bytes; `wire.connections` has its form."""

    async def exchange(self, request: Request) -> Reply:
        """Send a request and return its answer, or the fault that came instead."""


@dataclass(slots=True)
class _Lane:
    """The requests to one host and port: how many may be under way, and how many want to be."""

    slots: asyncio.Semaphore
    users: int = 0


def ignore(intent: Intent, reply: Reply, duration_seconds: float) -> None:
    """Observe nothing."""


class Registries:
    """Drives conversations. Nothing is remembered from one to the next but open connections."""

    def __init__(
        self,
        exchanger: Exchanger,
        *,
        judge_url: Callable[[str], Blocked | None],
        find_proxy: Callable[[str], str | None],
        per_registry: int,
        observe: Observer = ignore,
    ) -> None:
        """Take the parts and the limit.

        Args:
            exchanger: What moves bytes.
            judge_url: Says what keeps us from contacting a URL (`Destinations.judge_url`).
            find_proxy: Finds the proxy for a URL (`Proxies.find`).
            per_registry: Requests under way at once to one host and port.
            observe: Called after every request with what was wanted, what came, and how long it took.
        """
        self._exchanger = exchanger
        self._judge_url = judge_url
        self._find_proxy = find_proxy
        self._per_registry = per_registry
        self._observe = observe
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._all = asyncio.Semaphore(MAX_REQUESTS)

    async def hold(self, conversation: Generator[Intent, Reply, Conclusion]) -> Conclusion:
        """Hold a conversation to its end.

        Cancelling ends it at once, and costs at most the connection of the request that was under way.
        """
        try:
            intent = next(conversation)
            while True:
                intent = conversation.send(await self.ask(intent))
        except StopIteration as end:
            conclusion: Conclusion = end.value
            return conclusion
        finally:
            conversation.close()

    async def ask(self, intent: Intent) -> Reply:
        """Do what one intent says, if the rules let it; wait for a free place at its host first."""
        blocked = self._judge_url(intent.url)
        origin = read_origin(intent.url)
        if blocked is not None or origin is None:
            return AddressRefused(blocked.setting if blocked else "")
        request = build(intent, proxy=self._find_proxy(intent.url))
        clock = asyncio.get_running_loop().time
        async with self._place(origin.host, origin.port):
            begin = clock()
            reply = await self._exchanger.exchange(request)
            self._observe(intent, reply, clock() - begin)
        return reply

    @asynccontextmanager
    async def _place(self, host: str, port: int) -> AsyncIterator[None]:
        lane = self._lanes.setdefault((host, port), _Lane(asyncio.Semaphore(self._per_registry)))
        lane.users += 1
        try:
            async with lane.slots, self._all:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[host, port]
