"""How long an answer asks to be left alone: Retry-After (RFC 9110, 10.2.3) and the IETF's RateLimit fields."""

import re
from datetime import UTC, datetime

from webhook.registry.exchange import Answer

MIN_PAUSE_SECONDS = 1.0
"""Where no header says more, and where one says less: servers round down, and a pause of nothing is a storm."""
MAX_PAUSE_SECONDS = 60.0
"""Whatever a header says. A broken or hostile one must not silence a registry for hours; one that really wants more is
asked once a minute, which harms nobody."""
_SECONDS = re.compile(r"[0-9]+")
_QUOTA = re.compile(r"\b(?:r|remaining)=0[;,\s]+(?:t|reset)=([0-9]+)", re.IGNORECASE)
"""A quota that is used up: `"default";r=0;t=30`, and in older drafts `limit=100, remaining=0, reset=30`."""
_DATE = "%a, %d %b %Y %H:%M:%S GMT"
"""The one form that servers may generate (RFC 9110, 5.6.7)."""


def read_pause(answer: Answer) -> float | None:
    """Say how long an answer asks to be left alone.

    `ratelimit-remaining: 0` on a success is no reason: Docker Hub counts pulls, and answers HEAD on.

    Returns:
        Seconds from the answer on, within `MIN_PAUSE_SECONDS` and `MAX_PAUSE_SECONDS`. None when it does not ask for
        that: it is neither a 429 nor a 503 with a Retry-After that can be read.
    """
    told = _read_retry_after(answer)
    if answer.status == 429:
        told = _read_quotas(answer) if told is None else told
    elif answer.status != 503 or told is None:
        return None
    return min(max(told or 0, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)


def _read_retry_after(answer: Answer) -> float | None:
    value = answer.header("Retry-After").strip()
    return _read_seconds(value) if _SECONDS.fullmatch(value) else _read_date(value, answer.header("Date").strip())


def _read_date(until: str, sent: str) -> float | None:
    """Compare a date with the answer's own, so that nobody's clock matters; None when either is none."""
    try:
        return (_read_moment(until) - _read_moment(sent)).total_seconds()
    except ValueError:
        return None


def _read_moment(date: str) -> datetime:
    return datetime.strptime(date, _DATE).replace(tzinfo=UTC)


def _read_quotas(answer: Answer) -> float | None:
    """Take the longest of what is used up; `RateLimit-Reset` is of the drafts before there was one field."""
    resets = [*_QUOTA.findall(",".join(answer.all_headers("RateLimit"))), answer.header("RateLimit-Reset").strip()]
    return max((_read_seconds(reset) for reset in resets if _SECONDS.fullmatch(reset)), default=None)


def _read_seconds(digits: str) -> float:
    return float(digits)  # However many digits there are: an int of more than 4,300 would be a fault.
