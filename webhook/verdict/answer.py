"""A review's answer, and what is told of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.verdict.policy import Decision, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """What a log line and the metrics tell of a review; nothing of it is secret."""

    uid: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    operation: str = ""
    mode: Mode
    dry_run: bool = False
    decision: Decision = Decision.ALLOW
    early: str | None = None
    """Why nothing was asked."""
    not_understood: str | None = None
    """Why the workload could not be understood."""
    images: tuple[tuple[str, str], ...] = ()
    """Each image as written, and its resolution's name."""
    remembered: int = 0
    """How many of them were known, so that nobody was asked."""
    durations: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage."""
    is_deadline_exceeded: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, ready to be sent."""

    body: bytes
    facts: ReviewFacts
