"""What `pullcheck check` found out about one thing that it was given."""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.admission.response import clean
from webhook.images.uses import ImageUse
from webhook.verdict.judgement import Judgement
from webhook.verdict.policy import Decision

MAX_FIELD_CHARACTERS = 1024
"""Of a text from a manifest; an image reference that nodes accept has 255 for the path, and host, tag and digest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that was judged, as manifests name it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    """Empty where it has none."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """An image use for which nobody was asked, and is therefore allowed."""

    use: ImageUse
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One object, or one image of the command line."""

    source: str
    """The file's path as it was given, `-` for the standard input, or `argument`."""
    subject: Subject | None
    """None for an image of the command line."""
    decision: Decision
    message: str = ""
    """What the person would read of a denial; bounded and clean."""
    warnings: tuple[str, ...] = ()
    """Bounded and clean."""
    images: tuple[Judgement | Unasked, ...] = ()
    """In the manifest's order."""
    notes: tuple[str, ...] = ()
    """Those of the warnings that are about no single image."""


def decision_of(image: Judgement | Unasked) -> Decision:
    """Say what is decided about one image."""
    return image.decision if isinstance(image, Judgement) else Decision.ALLOW


def count(results: Iterable[Result]) -> dict[Decision, int]:
    """Count image uses by decision; every decision has a number."""
    decisions = [decision_of(image) for result in results for image in result.images]
    return {decision: decisions.count(decision) for decision in Decision}


def show(text: str) -> str:
    """Make a text fit for one line: cleaned, and cut at MAX_FIELD_CHARACTERS."""
    bounded = text if len(text) <= MAX_FIELD_CHARACTERS else text[: MAX_FIELD_CHARACTERS - 1] + "…"
    return clean(bounded)
