"""From the judgements of a workload's images to its verdict: one decision, one message, its warnings."""

from collections.abc import Sequence

from webhook.admission.response import (
    MAX_MESSAGE_BYTES,
    MAX_POD_MESSAGE_BYTES,
    MAX_WARNING_CHARACTERS,
    bound_message,
    bound_warnings,
)
from webhook.verdict.judgement import Judgement, Verdict
from webhook.verdict.policy import Decision, worst
from webhook.verdict.wording import name_use, name_workload


def summarise(kind: str, name: str, judgements: Sequence[Judgement], notes: Sequence[str] = ()) -> Verdict:
    """Sum up a workload.

    A denial names every image that is denied, and carries the warnings about the others.

    Args:
        kind: The workload's kind; a Pod's message is bounded more tightly, since it ends in events.
        name: The workload's name.
        judgements: Of its image uses, in their order.
        notes: What else is to be warned about, such as a pull secret that could not be read.
    """
    workload = name_workload(kind, name)
    denied = [_line(judgement) for judgement in judgements if judgement.decision is Decision.DENY]
    warned = [_warning(workload, judgement) for judgement in judgements if judgement.decision is Decision.WARN]
    noted = bound_warnings([f"{workload}: {note}" for note in notes], subject=workload)
    decisions = [judgement.decision for judgement in judgements] + [Decision.WARN] * bool(notes)
    limit_bytes = MAX_POD_MESSAGE_BYTES if kind == "Pod" else MAX_MESSAGE_BYTES
    return Verdict(
        decision=worst(decisions),
        message=bound_message(denied, limit_bytes) if denied else "",
        warnings=bound_warnings([*warned, *noted], subject=workload),
        notes=noted,
        judgements=tuple(judgements),
    )


def _line(judgement: Judgement) -> str:
    return f"{name_use(judgement.use, judgement.reference)}: {judgement.reason}"


def _warning(workload: str, judgement: Judgement) -> str:
    """Warnings are cut at their end, so the image gets the room that the cause leaves."""
    beginning = f"{workload}: {'would be denied: ' if judgement.would_be_denied else ''}"
    end = f": {judgement.reason}"
    room_characters = MAX_WARNING_CHARACTERS - len(beginning) - len(end)
    return f"{beginning}{name_use(judgement.use, judgement.reference, room_characters)}{end}"
