"""From the bytes of an AdmissionReview to the bytes of its answer; whatever happens, there is one."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from webhook.admission.early import EarlyReason, early_allow, is_controlled
from webhook.admission.response import AuditedImage, bound_images, bound_warnings, render
from webhook.admission.review import MalformedReviewError, Review, UnreadableReviewError, find_uid, parse
from webhook.admission.workload import MalformedWorkloadError, Workload, WorkloadKind, WorkloadKinds
from webhook.case import Case
from webhook.fairness import counted
from webhook.images.uses import changed_uses, find_uses
from webhook.judging import Judging
from webhook.places import MAX_REVIEWS_OF_ONE, TOO_MANY
from webhook.registry.resolution import Resolution, Unavailable, UnavailableCause
from webhook.stopwatch import Stopwatch
from webhook.turns import Turns
from webhook.verdict.answer import Answered, ReviewFacts
from webhook.verdict.judgement import Verdict
from webhook.verdict.policy import Decision, Mode, Rules
from webhook.verdict.wording import name_workload

LARGE_BYTES = 256 * 1024
"""Of a body; a larger one takes a turn to be read: one of 7 MiB takes five milliseconds, and nobody else is answered
meanwhile."""
LONG_BYTES = 16 * 1024
"""Of the objects in a review; most are shorter. Longer ones, with hundreds of images or megabytes of anything, take a
turn to be understood."""
REST = 15.0
"""After such a turn, times its length: of sixteen others' reviews, one meets it."""
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A review that needs no asking."""

    reason: EarlyReason


class Pipeline:
    """Answers reviews."""

    def __init__(
        self, judging: Judging, kinds: WorkloadKinds, rules: Rules, *, max_of_one: int = MAX_REVIEWS_OF_ONE
    ) -> None:
        """Take the parts.

        Args:
            judging: Judges workloads.
            kinds: The kinds that carry a pod spec.
            rules: The operator's, the same that `judging` has.
            max_of_one: Reviews of one namespace that are judged at once; one beyond is answered without being judged.
        """
        self._judging = judging
        self._kinds = kinds
        self._rules = rules
        self._max_of_one = max_of_one
        self._turns = Turns(rest=REST)
        self._judged: Counter[str] = Counter()
        """How many reviews are judged at the moment, by namespace."""

    async def judge(self, case: Case, deadline_seconds: float) -> Verdict:
        """Judge a workload, within so many seconds from now."""
        return await self._judging.judge(case, deadline_seconds)

    async def answer(self, body: bytes, mode: Mode, *, deadline_at: float) -> Answered:
        """Answer an AdmissionReview.

        Args:
            body: The request's.
            mode: What the path or the settings say.
            deadline_at: When the answer must have been sent, by the running loop's clock.

        Raises:
            MalformedReviewError: The body is no AdmissionReview.
        """
        try:
            review = await self._parse(body, deadline_at)
        except TimeoutError:
            return self.answer_unread(body, mode, TOO_MANY)
        except UnreadableReviewError as fault:
            return _not_understood(ReviewFacts(uid=fault.uid, mode=mode), str(fault))
        facts = _facts(review, mode)
        try:
            return await self._answer(review, facts, deadline_at)
        except MalformedWorkloadError as fault:
            return _not_understood(facts, str(fault))
        except Exception:  # whatever went wrong, admission goes on
            _LOGGER.exception("judging failed", extra={"uid": review.uid})
            return _not_understood(facts, "a fault in this webhook")

    def answer_unread(self, head: bytes, mode: Mode, reason: str) -> Answered:
        """Answer a review whose body was not read.

        Args:
            head: Its first bytes.
            mode: What the path or the settings say.
            reason: Why; it stands in the warning.

        Raises:
            MalformedReviewError: The bytes do not begin as the API server begins an AdmissionReview.
        """
        uid = find_uid(head)
        if not uid:
            raise MalformedReviewError("document: expected a review as the API server begins one")
        return _not_understood(ReviewFacts(uid=uid, mode=mode), reason)

    def admit(self, review: Review, mode: Mode) -> Case | Nothing:
        """Find what there is to judge in a review.

        Raises:
            MalformedWorkloadError: The object cannot be read as its kind.
        """
        kind = self._kinds.find(review.group, review.kind)
        reason = early_allow(review, kind, None)
        if reason or kind is None or review.object is None:
            return Nothing(reason or EarlyReason.NO_POD_SPEC)
        workload = kind.read(review.object)
        reason = early_allow(review, kind, workload)
        if reason or workload.pod_spec is None:
            return Nothing(reason or EarlyReason.NO_POD_SPEC)
        uses = find_uses(workload.pod_spec, workload.pod_spec_path)
        changed = changed_uses(uses, _read_old(kind, review), workload, review.operation, review.subresource)
        case = Case.of(
            workload,
            changed,
            namespace=review.namespace or workload.namespace,
            mode=self._rules.mode_for(workload.annotations, mode),
            is_completed=(kind.group, kind.kind) == ("", "Pod"),
        )
        return replace(case, name=case.name or review.name, is_controlled=is_controlled(review, workload))

    async def _answer(self, review: Review, facts: ReviewFacts, deadline_at: float) -> Answered:
        watch = Stopwatch()
        try:
            admitted = await self._admit(review, facts.mode, deadline_at)
        except TimeoutError:
            return _not_understood(facts, TOO_MANY)
        if isinstance(admitted, Nothing):
            return _allowed(replace(facts, early=admitted.reason))
        watch.note("admission")
        if admitted.uses and self._judged[admitted.namespace] >= self._max_of_one:
            return _not_understood(replace(facts, mode=admitted.mode), TOO_MANY)
        verdict = await self._judge_in_place(admitted, deadline_at - asyncio.get_running_loop().time())
        durations = {**watch.noted, **verdict.durations}
        return _decided(replace(facts, mode=admitted.mode, durations=durations), verdict)

    async def _parse(self, body: bytes, deadline_at: float) -> Review:
        """Read a body, in a turn of its own if it is large; TimeoutError where that does not come."""
        if len(body) <= LARGE_BYTES:
            return parse(body)
        async with self._turns.step(until=deadline_at):
            return parse(body)

    async def _admit(self, review: Review, mode: Mode, deadline_at: float) -> Case | Nothing:
        """Find what there is to judge, in a turn of its own if that is long; TimeoutError where that does not come."""
        if len(review.object or b"") + len(review.old_object or b"") <= LONG_BYTES:
            return self.admit(review, mode)
        async with self._turns.step(review.namespace, until=deadline_at):
            return self.admit(review, mode)

    async def _judge_in_place(self, case: Case, deadline_seconds: float) -> Verdict:
        with counted(self._judged, case.namespace):
            return await self.judge(case, deadline_seconds)


def _read_old(kind: WorkloadKind, review: Review) -> Workload | None:
    """The object before an UPDATE; one that cannot be read is as good as none: everything counts as changed."""
    if review.old_object is None:
        return None
    try:
        return kind.read(review.old_object)
    except MalformedWorkloadError:
        return None


def _facts(review: Review, mode: Mode) -> ReviewFacts:
    return ReviewFacts(
        uid=review.uid,
        kind=review.kind,
        namespace=review.namespace,
        name=review.name,
        operation=review.operation,
        mode=mode,
        dry_run=review.dry_run,
    )


def _allowed(facts: ReviewFacts) -> Answered:
    return Answered(render(facts.uid, allowed=True, audit_annotations=_audit(Decision.ALLOW)), facts)


def _not_understood(facts: ReviewFacts, reason: str) -> Answered:
    """Allow with a warning: what we cannot read is no reason to stand in anybody's way."""
    subject = name_workload(facts.kind, facts.name) if facts.kind else "pullcheck"
    warnings = bound_warnings([f"{subject}: its images could not be checked: {reason}"])
    body = render(facts.uid, allowed=True, warnings=warnings, audit_annotations=_audit(Decision.WARN))
    return Answered(body, replace(facts, decision=Decision.WARN, not_understood=reason))


def _decided(facts: ReviewFacts, verdict: Verdict) -> Answered:
    images = [
        AuditedImage(judgement.use.field, judgement.resolution_name, judgement.digest)
        for judgement in verdict.judgements
    ]
    body = render(
        facts.uid,
        allowed=verdict.decision is not Decision.DENY,
        message=verdict.message,
        warnings=verdict.warnings,
        audit_annotations=_audit(verdict.decision, images),
    )
    return Answered(
        body,
        replace(
            facts,
            decision=verdict.decision,
            images=tuple((judgement.use.image, judgement.resolution_name) for judgement in verdict.judgements),
            remembered=sum(judgement.is_remembered for judgement in verdict.judgements),
            is_deadline_exceeded=any(_is_late(judgement.resolution) for judgement in verdict.judgements),
        ),
    )


def _is_late(resolution: Resolution) -> bool:
    return isinstance(resolution, Unavailable) and resolution.cause is UnavailableCause.DEADLINE


def _audit(decision: Decision, images: Sequence[AuditedImage] = ()) -> dict[str, str]:
    return {"decision": decision, "images": bound_images(images)}
