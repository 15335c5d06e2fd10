"""Judging a workload under one deadline: where the pure stages and the wires meet.

The wires satisfy the Protocols here by shape. What is known by the deadline counts, the rest is Unavailable.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from webhook.case import Case
from webhook.flights import Flights
from webhook.images import reference as references
from webhook.images.reference import InvalidReference, Reference
from webhook.images.uses import ImageUse
from webhook.keychain.pullsecrets import Keychain
from webhook.memory import ConclusionKey
from webhook.reading import Dated, Limits, Memories
from webhook.registry.conversation import Conversation, converse
from webhook.registry.question import Question
from webhook.registry.resolution import (
    Conclusion,
    Invalid,
    Refused,
    RefusedCause,
    Unavailable,
    UnavailableCause,
)
from webhook.road import Road
from webhook.stopwatch import Stopwatch
from webhook.turns import Turns
from webhook.verdict.evidence import note_unreadable
from webhook.verdict.judgement import Verdict, judge
from webhook.verdict.policy import Circumstances, Rules
from webhook.verdict.summary import summarise

MAX_USES = 500
"""Image uses of one workload that are judged. Real pods have tens; a manifest of the API server's largest size could
name 40,000, and asking for them would hold up everybody's reviews."""
MAX_IMAGES_AT_ONCE = 32
"""Of one workload: more than its registries are asked at once. Each takes 12 KiB of memory and a moment in which nobody
else is answered, so the others come when one is done."""
IMAGES_PER_TURN = 8
"""Of one workload, each some 40 µs of work before and after it is asked for; where there are more, others are answered
in between."""
MAX_CREDENTIALS = 32
"""For one image. The node would try them all; so many say nothing about the image, and ask too much of its registry."""
MAX_CLUSTER_SHARE = 0.4
"""Of the time that is left, what the cluster may take before its secrets count as unreadable: an API server answers
within milliseconds, and the registry still needs three round trips."""
CONFIRMATION_SHARE = 0.1
"""Of what is then left, what is kept from registries: before a denial of some images the cluster is read again, however
long others hang."""

_LOGGER = logging.getLogger(__name__)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _OpenQuestion:
    """What has to be asked of a registry, and under which key the answer is remembered."""

    key: ConclusionKey
    question: Question


class Registries(Protocol):
    """Holds conversations with registries; faults are values that the conversation is sent."""

    async def hold(self, start: Callable[[], Conversation], *, namespace: str, account: str) -> Conclusion:
        """Carry a conversation to its end, on behalf of a namespace, with logins of this fingerprint."""


class Judging:
    """Judges workloads, all images of one at once; equal questions in flight share one conversation."""

    def __init__(
        self, *, registries: Registries, road: Road, rules: Rules, process_key: bytes, memories: Memories
    ) -> None:
        """Take the wires and the rules.

        Args:
            registries: Holds conversations.
            road: The nodes' road to registries.
            rules: What resolutions mean.
            process_key: A random key, for the fingerprints of credentials.
            memories: What is known for a while.
        """
        self._registries = registries
        self._road = road
        self._rules = rules
        self._process_key = process_key
        self._memories = memories
        self._flights: Flights[tuple[ConclusionKey, str], Conclusion] = Flights()
        self._turns = Turns()

    async def judge(self, case: Case, deadline_seconds: float) -> Verdict:
        """Find out whether a workload's images can be pulled, and decide.

        Args:
            case: The workload.
            deadline_seconds: From now on; by then there is a verdict.
        """
        begin = _now()
        deadline_at = begin + deadline_seconds
        watch = Stopwatch()
        uses = [use for use in case.uses[:MAX_USES] if use.image not in self._rules.ignored_images]
        parsed = {image: references.parse(image) async for image in self._in_turns(use.image for use in uses)}
        askable = {image: reference for image, reference in parsed.items() if isinstance(reference, Reference)}
        keychain = await self._read_keychain(case, askable, deadline_at)
        watch.note("cluster")
        registry_until = deadline_at - (deadline_at - _now()) * CONFIRMATION_SHARE
        found = await self._resolve_all(case.namespace, askable, keychain.state, registry_until)
        watch.note("registry")
        if keychain.asked_at < begin and self._would_deny(found):
            keychain = await self._read_again(case, askable, keychain.state, found, Limits(begin, deadline_at))
            watch.note("rereading")
        for image, invalid in parsed.items():
            if isinstance(invalid, InvalidReference):
                found[image] = Conclusion(Invalid(invalid.reason))
        on_node = await self._find_on_node(uses, askable, found, deadline_at)
        watch.note("nodes")
        verdict = await self._sum_up(case, uses, askable, found, keychain.state, on_node)
        watch.note("verdict")
        return replace(verdict, durations=watch.noted)

    def _in_turns(self, items: Iterable[_Item]) -> AsyncIterator[_Item]:
        return self._turns.over(items, at_once=IMAGES_PER_TURN)

    def _would_deny(self, found: Mapping[str, Conclusion]) -> bool:
        return any(self._rules.would_deny(conclusion.resolution) for conclusion in found.values())

    async def _read_keychain(
        self, case: Case, askable: Mapping[str, Reference], deadline_at: float, not_before: float = -math.inf
    ) -> Dated[Keychain]:
        """Read what the pod names; nothing when no image is at a registry that may be asked."""
        if not any(self._road.destinations.allows_host(reference.repository) for reference in askable.values()):
            return Dated(Keychain(), math.inf)
        now = _now()
        until = now + (deadline_at - now) * MAX_CLUSTER_SHARE
        return await self._memories.keychains.read(case, Limits(not_before, until))

    async def _read_again(
        self,
        case: Case,
        askable: Mapping[str, Reference],
        old: Keychain,
        found: dict[str, Conclusion],
        limits: Limits,
    ) -> Dated[Keychain]:
        """Read the keychain anew before a denial, and resolve again what would be denied and may be better now."""
        read = await self._read_keychain(case, askable, limits.until, limits.not_before)
        new = read.state
        if new.is_unreadable:
            # Nobody knows better: what was known counts on, and the doubt softens the denials.
            unknown = replace(old, absent=new.absent, unreadable=new.unreadable, absent_account=new.absent_account)
            return Dated(unknown, read.asked_at)
        changed = {
            image: reference
            for image, reference in askable.items()
            if self._rules.would_deny(found[image].resolution)
            and (old.malformed, old.credentials_for(reference)) != (new.malformed, new.credentials_for(reference))
        }
        found |= await self._resolve_all(case.namespace, changed, new, limits.until)
        return read

    async def _resolve_all(
        self, namespace: str, askable: Mapping[str, Reference], keychain: Keychain, deadline_at: float
    ) -> dict[str, Conclusion]:
        """Resolve every reference, some at once; whoever is late by the deadline is Unavailable."""
        foreseen = {
            reference: self._foresee(namespace, reference, keychain)
            async for reference in self._in_turns(dict.fromkeys(askable.values()))
        }
        open_questions = {reference: found for reference, found in foreseen.items() if isinstance(found, _OpenQuestion)}
        asked = await self._ask_all(namespace, open_questions, deadline_at) if open_questions else {}
        settled = {reference: found for reference, found in foreseen.items() if isinstance(found, Conclusion)} | asked
        return {image: settled[reference] for image, reference in askable.items()}

    async def _ask_all(
        self, namespace: str, questions: Mapping[Reference, _OpenQuestion], deadline_at: float
    ) -> dict[Reference, Conclusion]:
        tasks: dict[Reference, asyncio.Task[Conclusion]] = {}
        room = asyncio.Semaphore(MAX_IMAGES_AT_ONCE)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline_at):
                    async for reference, question in self._in_turns(questions.items()):
                        await room.acquire()
                        tasks[reference] = asyncio.create_task(self._ask(namespace, question))
                        tasks[reference].add_done_callback(lambda _: room.release())
            if tasks:
                await asyncio.wait(tasks.values(), timeout=max(0, deadline_at - _now()))
            return {reference: _conclude(reference, tasks.get(reference)) for reference in questions}
        finally:
            for task in tasks.values():
                task.cancel()

    def _foresee(self, namespace: str, reference: Reference, keychain: Keychain) -> Conclusion | _OpenQuestion:
        """Conclude what is known without asking, so that it costs no task."""
        blocked = self._road.destinations.judge_host(reference.repository)
        if blocked is not None:
            return Conclusion(blocked)
        if keychain.malformed:
            return Conclusion(Refused(reference.registry, RefusedCause.BROKEN_SECRET))
        question = self._road.question(reference, keychain)
        if keychain.is_too_large or len(question.credentials) > MAX_CREDENTIALS:
            return Conclusion(Unavailable(reference.registry, UnavailableCause.LOGINS))
        fingerprints = tuple(credential.fingerprint(self._process_key) for credential in question.credentials)
        # What a login opened is its namespace's alone; what anybody may see is everybody's.
        key = ConclusionKey(str(reference), question.endpoints, namespace if fingerprints else "", fingerprints)
        known = self._memories.conclusions.recall(key, reference, _now())
        return _OpenQuestion(key, question) if known is None else replace(known, is_remembered=True)

    async def _ask(self, namespace: str, wanted: _OpenQuestion) -> Conclusion:
        # Each namespace stands in its own line at the registry: nobody waits for what another one's crowd has begun.
        return await self._flights.join((wanted.key, namespace), lambda: self._hold(namespace, wanted))

    async def _hold(self, namespace: str, wanted: _OpenQuestion) -> Conclusion:
        key, question = wanted.key, wanted.question
        account = " ".join(key.fingerprints)
        conclusion = await self._registries.hold(lambda: converse(question), namespace=namespace, account=account)
        self._memories.conclusions.keep(key, question.reference, conclusion, _now())
        return conclusion

    async def _find_on_node(
        self,
        uses: Sequence[ImageUse],
        askable: Mapping[str, Reference],
        found: Mapping[str, Conclusion],
        deadline_at: float,
    ) -> frozenset[str]:
        """Find the images that would be denied though a node has them; the nodes are asked about no others."""
        wanted_images = {
            use.image
            for use in uses
            if use.pull_policy == "IfNotPresent"
            and use.image in askable
            and self._rules.would_deny(found[use.image].resolution)
        }
        if not wanted_images:
            return frozenset()
        begin = _now()
        try:
            async with asyncio.timeout_at(deadline_at):
                images = await self._memories.node_images.read()
                if not all(images.holds(askable[image]) for image in wanted_images):
                    # A yes may be remembered; a no is asked afresh.
                    images = await self._memories.node_images.read(not_before=begin)
        except TimeoutError:
            return frozenset()
        return frozenset(image for image in wanted_images if images.holds(askable[image]))

    async def _sum_up(
        self,
        case: Case,
        uses: Sequence[ImageUse],
        askable: Mapping[str, Reference],
        found: Mapping[str, Conclusion],
        keychain: Keychain,
        on_node: frozenset[str],
    ) -> Verdict:
        circumstances = Circumstances(
            mode=case.mode,
            has_absent_secret=keychain.is_incomplete,
            is_controlled=case.is_controlled,
            is_inactive=case.is_inactive,
        )
        judgements = [
            judge(
                use,
                askable.get(use.image),
                found[use.image],
                keychain,
                replace(circumstances, is_on_node=use.pull_policy == "IfNotPresent" and use.image in on_node),
                self._rules,
            )
            async for use in self._in_turns(uses)
        ]
        if len(uses) > IMAGES_PER_TURN:
            await self._turns.take()
        notes = (*note_unreadable(keychain), *_note_the_rest(len(case.uses) - MAX_USES))
        return summarise(case.kind, case.name, judgements, notes)


def _note_the_rest(count: int) -> tuple[str, ...]:
    return (f"{count} further images were not checked: of one object, {MAX_USES} are",) if count > 0 else ()


def _conclude(reference: Reference, task: asyncio.Task[Conclusion] | None) -> Conclusion:
    if task is None or not task.done():
        return Conclusion(Unavailable(reference.registry, UnavailableCause.DEADLINE))
    fault = task.exception()
    if fault is not None:
        _LOGGER.error("a conversation failed", exc_info=fault)
        return Conclusion(Unavailable(reference.registry, UnavailableCause.OURS))
    return task.result()


def _now() -> float:
    return asyncio.get_running_loop().time()
