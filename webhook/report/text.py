"""The report for people and for `cut`: one line an image use, its fields separated by tabs."""

from collections.abc import Iterable, Iterator

from webhook.report.result import Result, Unasked, count, decision_of, show
from webhook.verdict.judgement import Judgement
from webhook.verdict.policy import Decision

NOTHING = "-"
"""Stands in a field that has nothing to say, so that no field is empty."""


def render(results: Iterable[Result]) -> Iterator[str]:
    """Write `DECISION SOURCE KIND/NAMESPACE/NAME FIELD IMAGE REASON`, without line ends.

    No field holds a tab, a line end or a control character.
    """
    for result in results:
        for image in result.images:
            yield "\t".join(show(field) or NOTHING for field in _fields(result, image))


def summarise(results: Iterable[Result]) -> str:
    """Sum up in a line: `3 images: 1 denied, 1 warned about, 1 allowed`."""
    counts = count(results)
    images = sum(counts.values())
    return (
        f"{images} image{'' if images == 1 else 's'}: {counts[Decision.DENY]} denied, "
        f"{counts[Decision.WARN]} warned about, {counts[Decision.ALLOW]} allowed"
    )


def _fields(result: Result, image: Judgement | Unasked) -> tuple[str, ...]:
    return (
        decision_of(image),
        result.source,
        _name(result),
        image.use.field if result.subject else NOTHING,
        image.use.image,
        _reason(image),
    )


def _reason(image: Judgement | Unasked) -> str:
    """Give the reason, marked as the webhook marks it where only the mode kept it from being a denial."""
    would_be_denied = isinstance(image, Judgement) and image.would_be_denied
    return f"would be denied: {image.reason}" if would_be_denied else image.reason


def _name(result: Result) -> str:
    subject = result.subject
    return f"{subject.kind}/{subject.namespace}/{subject.name or NOTHING}" if subject else NOTHING
