"""How long an answer asks to be left alone, whatever its headers say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.registry.exchange import Answer
from webhook.registry.pause import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS, read_pause

SENT = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:49:50 GMT"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("59", 59),
        ("61", 60),
        ("1000000000", 60),
        ("9" * 10_000, 60),
        ("1e9", 1),
        ("-5", 1),
        ("7.5", 1),
        ("\u0667", 1),
        ("nan", 1),
        ("inf", 1),
        ("", 1),
        ("soon", 1),
        ("7, 9", 1),
    ],
)
def test_seconds_are_taken_within_bounds_and_anything_else_is_no_header(retry_after: str, seconds: float) -> None:
    assert read_pause(Answer(429, (("retry-after", retry_after), ("date", SENT)))) == seconds


@pytest.mark.parametrize(
    ("until", "sent", "seconds"),
    [
        (LATER, SENT, 13),
        (SENT, SENT, 1),
        (SENT, LATER, 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", SENT, 60),
        (LATER, "", 1),
        (LATER, "yesterday", 1),
        ("Sunday, 06-Nov-94 08:49:50 GMT", SENT, 1),
        ("Sun, 36 Nov 1994 08:49:50 GMT", SENT, 1),
    ],
)
def test_a_date_is_compared_with_the_answers_own(until: str, sent: str, seconds: float) -> None:
    assert read_pause(Answer(429, (("Retry-After", until), ("Date", sent)))) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 1),
        ([("RateLimit-Reset", "9")], 9),
        ([("ratelimit-reset", "-9")], 1),
        ([("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")], 1),
        ([("RateLimit", '"default";r=0;t=9')], 9),
        ([("RateLimit", '"burst";r=0;t=2, "day";r=40;t=3000')], 2),
        ([("RateLimit", '"burst";r=0;t=2'), ("RateLimit", '"hour";r=0;t=30')], 30),
        ([("RateLimit", "limit=100, remaining=0, reset=9")], 9),
        ([("RateLimit", "limit=100, remaining=10, reset=9")], 1),
        ([("RateLimit", '"default";r=0')], 1),
        ([("RateLimit", '"default";r=0;t=9'), ("Retry-After", "3")], 3),
        ([("RateLimit", '"default";r=0;t=9'), ("Retry-After", "soon")], 9),
    ],
)
def test_quotas_that_are_used_up_say_when_they_return(headers: list[tuple[str, str]], seconds: float) -> None:
    assert read_pause(Answer(429, tuple(headers))) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, [("Retry-After", "7")], 7),
        (503, [("Retry-After", "soon")], None),
        (503, [("RateLimit-Reset", "7")], None),
        (503, [], None),
        (502, [("Retry-After", "7")], None),
        (301, [("Retry-After", "7")], None),
        (200, [("ratelimit-remaining", "0;w=21600"), ("RateLimit", '"default";r=0;t=9')], None),
    ],
)
def test_only_429_and_an_explicit_503_ask_for_it(
    status: int, headers: list[tuple[str, str]], seconds: float | None
) -> None:
    assert read_pause(Answer(status, tuple(headers))) == seconds


names = st.sampled_from(["Retry-After", "Date", "RateLimit", "RateLimit-Reset"])
values = st.one_of(
    st.text(), st.from_regex(r'\A-?[0-9]{1,30}\Z|\A"[a-z]";r=0;t=[0-9]+\Z'), st.sampled_from([SENT, LATER])
)


@given(st.integers(100, 599), st.lists(st.tuples(names, values)))
def test_no_header_makes_a_fault_or_breaks_the_bounds(status: int, headers: list[tuple[str, str]]) -> None:
    pause = read_pause(Answer(status, tuple(headers)))
    assert pause is None or (MIN_PAUSE_SECONDS <= pause <= MAX_PAUSE_SECONDS and math.isfinite(pause))
    assert status != 429 or pause is not None
