"""Judging a workload under one deadline: where the pure stages and the wires meet."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from webhook.asking import Asking, Registries
from webhook.case import Case
from webhook.images import reference as references
from webhook.images.reference import InvalidReference, Reference
from webhook.images.uses import ImageUse
from webhook.keychain.pullsecrets import Keychain
from webhook.reading import Dated, Limits, Memories
from webhook.registry.resolution import Conclusion, Invalid, Resolution
from webhook.road import Road
from webhook.stopwatch import Stopwatch
from webhook.turns import Turns
from webhook.verdict.evidence import note_unreadable
from webhook.verdict.judgement import Verdict, judge
from webhook.verdict.policy import Circumstances, Rules, depends_on_nodes, reconsider
from webhook.verdict.summary import summarise

MAX_USES = 500
"""Image uses of one workload that are judged. Real pods have tens; a manifest of the API server's largest size could
name 40,000, and asking for them would hold up everybody's reviews."""
MANY_USES = 50
"""From here on what is found is summed up in a turn of its own: of 500 it is two milliseconds of work."""
MAX_CLUSTER_SHARE = 0.4
"""Of the time that is left, what the cluster may take before its secrets count as unreadable: an API server answers
within milliseconds, and the registry still needs three round trips."""
CONFIRMATION_SHARE = 0.1
"""Of what is then left, what is kept from registries: before a denial of some images the cluster is read again, however
long others hang."""
NODES_SHARE = 0.5
"""Of what is left when the cluster has been read again, what is kept for asking which images nodes have."""


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
        self._road = road
        self._rules = rules
        self._memories = memories
        self._turns = Turns()
        self._asking = Asking(
            registries, road, process_key=process_key, conclusions=memories.conclusions, turns=self._turns
        )

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
        images = self._turns.over([use.image for use in uses], case.namespace, until=deadline_at)
        parsed = {image: references.parse(image) async for image in images}
        askable = {image: reference for image, reference in parsed.items() if isinstance(reference, Reference)}
        keychain = await self._read_keychain(case, askable, deadline_at)
        watch.note("cluster")
        registry_until = deadline_at - (deadline_at - _now()) * CONFIRMATION_SHARE
        found = await self._asking.resolve(case.namespace, askable, keychain.state, registry_until)
        watch.note("registry")
        if keychain.asked_at < begin and self._would_deny(found):
            keychain = await self._read_again(case, askable, keychain.state, found, Limits(begin, deadline_at))
            watch.note("rereading")
        for image, invalid in parsed.items():
            if isinstance(invalid, InvalidReference):
                found[image] = Conclusion(Invalid(invalid.reason))
        on_node = await self._find_on_node(case, uses, askable, found, keychain.state, deadline_at)
        watch.note("nodes")
        resolved = {image: (askable.get(image), conclusion) for image, conclusion in found.items()}
        verdict = await self._sum_up(case, uses, resolved, keychain.state, on_node, deadline_at)
        watch.note("verdict")
        return replace(verdict, durations=watch.noted)

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
        until = limits.until - (limits.until - _now()) * NODES_SHARE
        denied = {
            image: reference for image, reference in askable.items() if self._rules.would_deny(found[image].resolution)
        }
        changed = {
            image: reference
            async for image, reference in self._turns.over(denied.items(), case.namespace, until=until)
            if (old.malformed, old.credentials_for(reference)) != (new.malformed, new.credentials_for(reference))
        }
        if not new.is_unreadable:
            found |= await self._asking.resolve(case.namespace, changed, new, until)
            return read
        # What could be read may be enough. Else what was known counts on, and the doubt softens the denials.
        known = {image: reference for image, reference in changed.items() if new.credentials_for(reference)}
        again = await self._asking.resolve(case.namespace, known, new, until)
        found |= {image: one for image, one in again.items() if not self._rules.would_deny(one.resolution)}
        unknown = replace(old, absent=new.absent, unreadable=new.unreadable, absent_account=new.absent_account)
        return Dated(unknown, read.asked_at)

    async def _find_on_node(
        self,
        case: Case,
        uses: Sequence[ImageUse],
        askable: Mapping[str, Reference],
        found: Mapping[str, Conclusion],
        keychain: Keychain,
        deadline_at: float,
    ) -> frozenset[str]:
        """Find the images that would be denied though a node has them; the nodes are asked about no others."""
        if not self._would_deny(found):
            return frozenset()
        # Who forgot a secret is told of it all the same: the secret may come in the same apply.
        circumstances = replace(_circumstances(case, keychain), has_absent_secret=False)
        wanted = {
            use.image: askable[use.image]
            async for use in self._turns.over(uses, case.namespace, until=deadline_at)
            if use.image in askable
            and self._depends_on_nodes(use, askable[use.image], found[use.image].resolution, circumstances)
        }
        if not wanted:
            return frozenset()
        # A yes may be remembered; a no is asked afresh.
        images = await self._memories.node_images.read(
            lambda known: all(map(known.holds, wanted.values())), until=deadline_at
        )
        return frozenset(image for image, reference in wanted.items() if images and images.holds(reference))

    def _depends_on_nodes(
        self, use: ImageUse, reference: Reference, resolution: Resolution, circumstances: Circumstances
    ) -> bool:
        if use.pull_policy != "IfNotPresent" or not self._rules.would_deny(resolution):
            return False
        return depends_on_nodes(reconsider(resolution, use, reference, self._rules.means), circumstances, self._rules)

    async def _sum_up(
        self,
        case: Case,
        uses: Sequence[ImageUse],
        resolved: Mapping[str, tuple[Reference | None, Conclusion]],
        keychain: Keychain,
        on_node: frozenset[str],
        deadline_at: float,
    ) -> Verdict:
        circumstances = _circumstances(case, keychain)
        judgements = [
            judge(
                use,
                *resolved[use.image],
                keychain,
                replace(circumstances, is_on_node=use.pull_policy == "IfNotPresent" and use.image in on_node),
                self._rules,
            )
            async for use in self._turns.over(uses, case.namespace, until=deadline_at)
        ]
        if len(uses) > MANY_USES:
            await self._turns.take(case.namespace, until=deadline_at)
        notes = (*note_unreadable(keychain), *_note_the_rest(len(case.uses) - MAX_USES))
        return summarise(case.kind, case.name, judgements, notes)


def _circumstances(case: Case, keychain: Keychain) -> Circumstances:
    return Circumstances(
        mode=case.mode,
        has_absent_secret=keychain.is_incomplete,
        is_controlled=case.is_controlled,
        is_inactive=case.is_inactive,
    )


def _note_the_rest(count: int) -> tuple[str, ...]:
    return (f"{count} further images were not checked: of one object, {MAX_USES} are",) if count > 0 else ()


def _now() -> float:
    return asyncio.get_running_loop().time()
