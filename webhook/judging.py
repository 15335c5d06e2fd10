"""Judging a workload under one deadline: where the pure stages and the wires meet.

The wires satisfy the Protocols here by shape. What is known by the deadline counts, the rest is Unavailable.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from webhook.case import Case
from webhook.flights import Flights, Recent
from webhook.images import reference as references
from webhook.images.onnode import NodeImages
from webhook.images.reference import InvalidReference, Reference
from webhook.images.uses import ImageUse
from webhook.keychain.dockerconfig import Entries
from webhook.keychain.pullsecrets import (
    Keychain,
    SecretState,
    ServiceAccount,
    ServiceAccountState,
    UnreadableSecret,
    UnreadableServiceAccount,
    assemble,
    merged,
)
from webhook.registry.conversation import Conversation, converse
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import HostsFile, find_endpoints
from webhook.registry.question import Question
from webhook.registry.resolution import (
    Conclusion,
    Invalid,
    Refused,
    RefusedCause,
    Unavailable,
    UnavailableCause,
)
from webhook.verdict.evidence import note_unreadable
from webhook.verdict.judgement import Verdict, judge
from webhook.verdict.policy import Circumstances, Rules
from webhook.verdict.summary import summarise

MAX_USES = 500
"""Image uses of one workload that are judged. Real pods have tens; a manifest of the API server's largest size could
name 40,000, and asking for them would hold up everybody's reviews."""
MAX_CLUSTER_SHARE = 0.4
"""Of the time that is left, what the cluster may take before its secrets count as unreadable: an API server answers
within milliseconds, and the registry still needs three round trips."""
_LATE = "the cluster did not answer in time"

_LOGGER = logging.getLogger(__name__)


class Cluster(Protocol):
    """Reads what a pod names, in its namespace; absence and trouble are values."""

    async def read_secret(self, namespace: str, name: str) -> SecretState:
        """Read a secret."""

    async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
        """Read a service account."""

    async def read_node_images(self) -> NodeImages:
        """Read which images nodes report to have; none where nobody tells."""


class Registries(Protocol):
    """Holds conversations with registries; faults are values that the conversation is sent."""

    async def hold(self, conversation: Conversation) -> Conclusion:
        """Carry a conversation to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """What is known of the nodes' road to registries, and where this webhook will not follow it."""

    destinations: Destinations
    find_hosts: Callable[[str], HostsFile | None] = field(default=lambda _: None)
    """The hosts.toml that applies to a registry."""
    node_entries: Entries | None = None
    """The node's own docker config."""
    pull_through: tuple[str, ...] = ()
    """Patterns of caches."""

    def question(self, reference: Reference, keychain: Keychain) -> Question:
        """What there is to ask about a reference."""
        is_insecure = self.destinations.is_insecure(reference.registry)
        return Question(
            reference=reference,
            credentials=keychain.credentials_for(reference),
            endpoints=find_endpoints(reference, self.find_hosts(reference.registry), is_insecure=is_insecure),
            destinations=self.destinations,
            pull_through=self.pull_through,
        )


class Judging:
    """Judges workloads, all images of one at once; equal questions in flight share one conversation."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        registries: Registries,
        road: Road,
        rules: Rules,
        process_key: bytes,
        nodes_seconds: float,
    ) -> None:
        """Take the wires and the rules.

        Args:
            cluster: Reads secrets and service accounts.
            registries: Holds conversations.
            road: The nodes' road to registries.
            rules: What resolutions mean.
            process_key: A random key, for the fingerprints of credentials.
            nodes_seconds: How long the nodes' images are remembered.
        """
        self._cluster = cluster
        self._registries = registries
        self._road = road
        self._rules = rules
        self._process_key = process_key
        self._node_images = Recent(cluster.read_node_images, nodes_seconds)
        self._flights: Flights[tuple[str, ...], Conclusion] = Flights()

    async def judge(self, case: Case, deadline_seconds: float) -> Verdict:
        """Find out whether a workload's images can be pulled, and decide.

        Args:
            case: The workload.
            deadline_seconds: From now on; by then there is a verdict.
        """
        deadline_at = asyncio.get_running_loop().time() + deadline_seconds
        uses = [use for use in case.uses[:MAX_USES] if use.image not in self._rules.ignored_images]
        parsed = {use.image: references.parse(use.image) for use in uses}
        askable = {image: reference for image, reference in parsed.items() if isinstance(reference, Reference)}
        keychain = await self._read_keychain(case, askable, deadline_seconds * MAX_CLUSTER_SHARE)
        found = await self._resolve_all(askable, keychain, deadline_at)
        for image, invalid in parsed.items():
            if isinstance(invalid, InvalidReference):
                found[image] = Conclusion(Invalid(invalid.reason))
        on_node = await self._find_on_node(uses, askable, found, deadline_at)
        return self._sum_up(case, uses, askable, found, keychain, on_node)

    async def _read_keychain(self, case: Case, askable: Mapping[str, Reference], most_seconds: float) -> Keychain:
        """Read what the pod names; nothing when no image is at a registry that may be asked."""
        if not any(self._road.destinations.allows_host(reference.repository) for reference in askable.values()):
            return Keychain()
        until = asyncio.get_running_loop().time() + most_seconds
        account = await self._read_account(case, until)
        listed = account.pull_secrets if isinstance(account, ServiceAccount) else ()
        names = merged(case.wanted, listed)
        distinct = list(dict.fromkeys(names))
        states = await asyncio.gather(*(self._read_secret(case.namespace, name, until) for name in distinct))
        by_name = dict(zip(distinct, states, strict=True))
        return assemble([by_name[name] for name in names], self._road.node_entries, account)

    async def _read_account(self, case: Case, until: float) -> ServiceAccountState | None:
        name = case.wanted.service_account
        if name is None:
            return None
        try:
            async with asyncio.timeout_at(until):
                return await self._cluster.read_service_account(case.namespace, name)
        except TimeoutError:
            return UnreadableServiceAccount(name, _LATE)

    async def _read_secret(self, namespace: str, name: str, until: float) -> SecretState:
        try:
            async with asyncio.timeout_at(until):
                return await self._cluster.read_secret(namespace, name)
        except TimeoutError:
            return UnreadableSecret(name, _LATE)

    async def _resolve_all(
        self, askable: Mapping[str, Reference], keychain: Keychain, deadline_at: float
    ) -> dict[str, Conclusion]:
        """Resolve every reference at once; whoever is late by the deadline is Unavailable."""
        distinct = set(askable.values())
        tasks = {reference: asyncio.create_task(self._resolve(reference, keychain)) for reference in distinct}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=max(0, deadline_at - asyncio.get_running_loop().time()))
            return {image: _conclude(reference, tasks[reference]) for image, reference in askable.items()}
        finally:
            for task in tasks.values():
                task.cancel()

    async def _resolve(self, reference: Reference, keychain: Keychain) -> Conclusion:
        blocked = self._road.destinations.judge_host(reference.repository)
        if blocked is not None:
            return Conclusion(blocked)
        if keychain.malformed:
            return Conclusion(Refused(reference.registry, RefusedCause.BROKEN_SECRET))
        question = self._road.question(reference, keychain)
        fingerprints = (credential.fingerprint(self._process_key) for credential in question.credentials)
        return await self._flights.join(
            (str(reference), *fingerprints), lambda: self._registries.hold(converse(question))
        )

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
        begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline_at):
                images = await self._node_images.read()
                if not all(images.holds(askable[image]) for image in wanted_images):
                    # A yes may be remembered; a no is asked afresh.
                    images = await self._node_images.read(not_before=begin)
        except TimeoutError:
            return frozenset()
        return frozenset(image for image in wanted_images if images.holds(askable[image]))

    def _sum_up(
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
            for use in uses
        ]
        notes = (*note_unreadable(keychain), *_note_the_rest(len(case.uses) - MAX_USES))
        return summarise(case.kind, case.name, judgements, notes)


def _note_the_rest(count: int) -> tuple[str, ...]:
    return (f"{count} further images were not checked: of one object, {MAX_USES} are",) if count > 0 else ()


def _conclude(reference: Reference, task: asyncio.Task[Conclusion]) -> Conclusion:
    if not task.done():
        return Conclusion(Unavailable(reference.registry, UnavailableCause.DEADLINE))
    fault = task.exception()
    if fault is not None:
        _LOGGER.error("a conversation failed", exc_info=fault)
        return Conclusion(Unavailable(reference.registry, UnavailableCause.OURS))
    return task.result()
