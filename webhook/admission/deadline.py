"""How long a review may take: what the API server says in `?timeout=`, less what the way back costs."""

import re
from dataclasses import dataclass

MAX_DURATION_CHARACTERS = 64
"""The API server sends whole seconds (`10s`, at most `30s`); what is longer than this is no duration of its."""
_SECONDS_BY_UNIT = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TERM = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"\+?(?:{_TERM.pattern})+")


def parse_duration(text: str) -> float | None:
    """Read a duration as Go writes and reads it (time.ParseDuration): `10s`, `1m30s`, `1.5h`, `500ms`.

    Returns:
        Seconds, more than zero; None where the text is no duration or leaves no time at all.
    """
    if len(text) > MAX_DURATION_CHARACTERS or not _DURATION.fullmatch(text):
        return None
    seconds = sum(float(number) * _SECONDS_BY_UNIT[unit] for number, unit in _TERM.findall(text))
    return seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineLimits:
    """The settings under `deadline`, in seconds."""

    default_seconds: float
    """Taken for the API server's timeout where it names none that can be read."""
    margin_seconds: float
    """Kept for the answer's way back."""
    most_seconds: float

    def seconds_for(self, timeout: str) -> float:
        """Say how much time a review has, from the last byte of its header to its answer.

        Args:
            timeout: The value of `?timeout=`; empty when there is none.

        Returns:
            Seconds, always more than zero: of a timeout that the margin would eat whole, half is used.
        """
        timeout_seconds = parse_duration(timeout) or self.default_seconds
        remaining_seconds = timeout_seconds - self.margin_seconds
        return min(remaining_seconds if remaining_seconds > 0 else timeout_seconds / 2, self.most_seconds)
