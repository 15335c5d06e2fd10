"""Calls of the API server at an even rate, each of which causes a review: dry-run creates over connections kept alive.

Every other Deployment has an image that is there, and must be created without a word; the others' image can be no
image, and they must be refused by pullcheck. So whatever a webhook that is not heard lets pass is seen at the call.
"""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from tests.cluster.here import SECURE_PORT, Cluster
from tests.cluster.inside.workloads import manifest
from tests.cluster.pullcheck import NO_REFERENCE
from tests.cluster.world import NODE_ADDRESS

CONNECTIONS = 32
"""Calls in flight at most: what 200 calls a second need while an answer takes 160 ms."""
MAX_BEHIND_SECONDS = 0.5
"""A rate that the machine cannot keep up is given up rather than made up for in a burst."""
MAX_SURPRISES = 1000


@dataclass(frozen=True, slots=True)
class Surprise:
    """An answer that was not due."""

    at: float
    """When it came, by the monotonic clock."""
    text: str


@dataclass(slots=True)
class Tally:
    """What came of the calls."""

    statuses: Counter[int] = field(default_factory=Counter)
    surprises: list[Surprise] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def quantile(self, part: float) -> float:
        """The time within which this part of the calls was answered, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Load:
    """Calls in a thread, within a `with` block.

    Args:
        cluster: Whose API server is called.
        namespace: Where what is wrong is refused.
        images: Images that are there, taken in turn.
        rate: Calls a second.
    """

    def __init__(self, cluster: Cluster, namespace: str, images: Sequence[str], rate: float) -> None:
        self.tally = Tally()
        self._cluster = cluster
        self._url = f"https://{NODE_ADDRESS}:{SECURE_PORT}/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
        self._bodies = _bodies(namespace, images)
        self._seconds = 1 / rate
        self._due = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call_all()), name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()

    async def _call_all(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._cluster.administrator, limit=CONNECTIONS)
        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session, asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._call_in_turn(session))

    async def _call_in_turn(self, session: aiohttp.ClientSession) -> None:
        while not self._stopping.is_set():
            due = self._due = max(self._due + self._seconds, time.monotonic() - MAX_BEHIND_SECONDS)
            await asyncio.sleep(due - time.monotonic())
            is_good, body = next(self._bodies)
            begin = time.monotonic()
            try:
                surprise = await self._call(session, body, is_good=is_good)
            except (aiohttp.ClientError, TimeoutError) as error:
                surprise = f"the API server: {error!r}"
            now = time.monotonic()
            self.tally.seconds.append(now - begin)
            if surprise and len(self.tally.surprises) < MAX_SURPRISES:
                self.tally.surprises.append(Surprise(now, surprise))

    async def _call(self, session: aiohttp.ClientSession, body: bytes, *, is_good: bool) -> str:
        """Call once: what is surprising in the answer, empty if nothing is."""
        async with session.post(self._url, data=body) as answer:
            text = await answer.text()
            self.tally.statuses[answer.status] += 1
            if is_good:
                warnings = answer.headers.getall("Warning", [])
                return "" if answer.status == 201 and not warnings else f"{answer.status}: {warnings or text[:500]}"
            if answer.status == 201:
                return "let through"
            is_ours = answer.status == 403 and "denied the request" in text
            return "" if is_ours else f"{answer.status}: {text[:500]}"


def _bodies(namespace: str, images: Sequence[str]) -> Iterator[tuple[bool, bytes]]:
    """Whether it is good, and a Deployment; without end."""
    bad = (False, _body(namespace, NO_REFERENCE))
    return itertools.cycle([one for image in images for one in ((True, _body(namespace, image)), bad)])


def _body(namespace: str, image: str) -> bytes:
    return json.dumps(manifest("Deployment", image, namespace=namespace, secrets=())).encode()
