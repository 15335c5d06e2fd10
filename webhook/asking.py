"""Finding out about the images of a workload: what is known, and what has to be asked of their registries.

The wires satisfy the Protocol here by shape. What is known by the deadline counts, the rest is Unavailable.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from webhook.flights import Flights
from webhook.images.reference import Reference
from webhook.keychain.pullsecrets import Keychain
from webhook.memory import ConclusionKey, ConclusionMemory
from webhook.registry.conversation import Conversation, converse
from webhook.registry.question import Question
from webhook.registry.resolution import Conclusion, Refused, RefusedCause, Unavailable, UnavailableCause
from webhook.road import Road
from webhook.turns import Turns

MAX_IMAGES_AT_ONCE = 32
"""Of one workload: more than its registries are asked at once. Each takes 12 KiB of memory and a moment in which nobody
else is answered, so the others come when one is done."""
IMAGES_PER_TURN = 8
"""That begin to be asked for at once; each is some 150 µs of work when it does."""
MAX_CREDENTIALS = 32
"""For one image. The node would try them all; so many say nothing about the image, and ask too much of its registry."""

_LOGGER = logging.getLogger(__name__)


class Registries(Protocol):
    """Holds conversations with registries; faults are values that the conversation is sent."""

    async def hold(self, start: Callable[[], Conversation], *, namespace: str, account: str) -> Conclusion:
        """Carry a conversation to its end, on behalf of a namespace, with logins of this fingerprint."""


@dataclass(frozen=True, slots=True)
class _OpenQuestion:
    """What has to be asked of a registry, and under which key the answer is remembered."""

    key: ConclusionKey
    question: Question


class Asking:
    """Resolves images, all of a workload at once; equal questions in flight share one conversation."""

    def __init__(
        self, registries: Registries, road: Road, *, process_key: bytes, conclusions: ConclusionMemory, turns: Turns
    ) -> None:
        """Take the wires.

        Args:
            registries: Holds conversations.
            road: The nodes' road to registries.
            process_key: A random key, for the fingerprints of credentials.
            conclusions: What resolved lately.
            turns: In which workloads with many images get on.
        """
        self._registries = registries
        self._road = road
        self._process_key = process_key
        self._conclusions = conclusions
        self._turns = turns
        self._flights: Flights[tuple[ConclusionKey, str], Conclusion] = Flights()

    async def resolve(
        self, namespace: str, askable: Mapping[str, Reference], keychain: Keychain, until: float
    ) -> dict[str, Conclusion]:
        """Resolve every reference, some at once; whoever is late is Unavailable.

        Args:
            namespace: On whose behalf.
            askable: References by the images that they were read of.
            keychain: What the pod offers.
            until: When to be done, by the running loop's clock.
        """
        foreseen: dict[Reference, Conclusion | _OpenQuestion] = {}
        async for reference in self._turns.over(dict.fromkeys(askable.values()), namespace, until=until):
            foreseen[reference] = self._foresee(namespace, reference, keychain)
        questions = {reference: found for reference, found in foreseen.items() if isinstance(found, _OpenQuestion)}
        settled = {reference: found for reference, found in foreseen.items() if isinstance(found, Conclusion)}
        if questions:
            settled |= await self._ask_all(namespace, questions, until)
        return {image: settled[reference] for image, reference in askable.items()}

    def _foresee(self, namespace: str, reference: Reference, keychain: Keychain) -> Conclusion | _OpenQuestion:
        """Conclude what is known without asking, so that it costs no task."""
        try:
            blocked = self._road.destinations.judge_host(reference.repository)
            if blocked is not None:
                return Conclusion(blocked)
            if keychain.malformed:
                return Conclusion(Refused(reference.registry, RefusedCause.BROKEN_SECRET))
            wanted = self._open_question(namespace, reference, keychain)
            if keychain.is_too_large or len(wanted.question.credentials) > MAX_CREDENTIALS:
                return Conclusion(Unavailable(reference.registry, UnavailableCause.LOGINS))
            # What is not known yet may be by its turn: it is looked up when it is asked for, and counted then.
            return (self._recall(wanted) if self._conclusions.knows(wanted.key, _now()) else None) or wanted
        except Exception as fault:  # noqa: BLE001 (whatever it is, the other images keep their verdict)
            return _our_fault(reference, fault)

    def _open_question(self, namespace: str, reference: Reference, keychain: Keychain) -> _OpenQuestion:
        question = self._road.question(reference, keychain)
        fingerprints = tuple(
            credential.fingerprint(self._process_key) for credential in question.credentials[:MAX_CREDENTIALS]
        )
        # What a login opened is its namespace's alone; what anybody may see is everybody's.
        key = ConclusionKey(str(reference), question.endpoints, namespace if fingerprints else "", fingerprints)
        return _OpenQuestion(key, question)

    def _recall(self, wanted: _OpenQuestion) -> Conclusion | None:
        known = self._conclusions.recall(wanted.key, wanted.question.reference, _now())
        return replace(known, is_remembered=True) if known else None

    async def _ask_all(
        self, namespace: str, questions: Mapping[Reference, _OpenQuestion], until: float
    ) -> dict[Reference, Conclusion]:
        tasks: dict[Reference, asyncio.Task[Conclusion]] = {}
        room = asyncio.Semaphore(MAX_IMAGES_AT_ONCE)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    for number, (reference, question) in enumerate(questions.items()):
                        if number and number % IMAGES_PER_TURN == 0:
                            await self._turns.take(namespace)
                        await room.acquire()
                        tasks[reference] = asyncio.create_task(self._ask(namespace, question))
                        tasks[reference].add_done_callback(lambda _: room.release())
            if tasks:
                await asyncio.wait(tasks.values(), timeout=max(0, until - _now()))
            return {reference: _conclude(reference, tasks.get(reference)) for reference in questions}
        finally:
            for task in tasks.values():
                task.cancel()

    async def _ask(self, namespace: str, wanted: _OpenQuestion) -> Conclusion:
        # Each namespace stands in its own line at the registry: nobody waits for what another one's crowd has begun.
        key = (wanted.key, namespace)
        return self._recall(wanted) or await self._flights.join(key, lambda: self._hold(namespace, wanted))

    async def _hold(self, namespace: str, wanted: _OpenQuestion) -> Conclusion:
        key, question = wanted.key, wanted.question
        account = " ".join(key.fingerprints)
        conclusion = await self._registries.hold(lambda: converse(question), namespace=namespace, account=account)
        self._conclusions.keep(key, question.reference, conclusion, _now())
        return conclusion


def _conclude(reference: Reference, task: asyncio.Task[Conclusion] | None) -> Conclusion:
    if task is None or not task.done():
        return Conclusion(Unavailable(reference.registry, UnavailableCause.DEADLINE))
    fault = task.exception()
    return _our_fault(reference, fault) if fault else task.result()


def _our_fault(reference: Reference, fault: BaseException) -> Conclusion:
    _LOGGER.error("a conversation failed", exc_info=fault)
    return Conclusion(Unavailable(reference.registry, UnavailableCause.OURS))


def _now() -> float:
    return asyncio.get_running_loop().time()
