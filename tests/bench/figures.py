"""Figures of several rounds, as a table."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.program import Load


@dataclass(frozen=True, slots=True)
class Measured:
    """A subject's load in one round."""

    load: Load
    registry_requests: float | None
    """Requests to the registry meanwhile; None: it has none."""


Rounds = Mapping[str, Sequence[Measured]]
"""What was measured of each subject; the first of one was measured right beside the first of another."""
REFERENCES = ("bare FastAPI", "bare Go")


def table(rounds: Rounds) -> str:
    """Write a Markdown table: a line for each subject, medians of its rounds, ratios of rounds that belong together."""
    head = ("", "reviews a second", "p50 ms", "p99 ms", *(f"of {name}" for name in REFERENCES), "registry requests")
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *(_line(name, rounds) for name in rounds)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(name: str, rounds: Rounds) -> tuple[str, ...]:
    measured = rounds[name]
    rates = [one.load.rate for one in measured]
    return (
        name,
        f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
        _milliseconds(one.load.p50_seconds for one in measured),
        _milliseconds(one.load.p99_seconds for one in measured),
        *(_ratio(rates, rounds[other]) for other in REFERENCES),
        _asked(measured),
    )


def _milliseconds(seconds: Iterable[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.2f}"


def _ratio(rates: Sequence[float], others: Sequence[Measured]) -> str:
    ratios = [rate / other.load.rate for rate, other in zip(rates, others, strict=True)]
    return f"{statistics.median(ratios):.2f}"


def _asked(measured: Sequence[Measured]) -> str:
    """For each review."""
    counts = [one.registry_requests for one in measured if one.registry_requests is not None]
    reviews = sum(one.load.warm_up + one.load.requests for one in measured)
    return f"{sum(counts) / reviews:.3f}" if counts else ""
