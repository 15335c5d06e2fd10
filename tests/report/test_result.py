"""Counting, and making texts fit to be shown."""

import pytest

from tests.report.sample import ALLOWED, DENIED, UNASKED, WARNED, result
from webhook.report.result import MAX_FIELD_CHARACTERS, count, decision_of, show
from webhook.verdict.policy import Decision


def test_what_nobody_was_asked_about_is_allowed() -> None:
    assert [decision_of(image) for image in (DENIED, WARNED, ALLOWED, UNASKED)] == ["deny", "warn", "allow", "allow"]


def test_every_decision_is_counted_over_all_results() -> None:
    results = [result(DENIED, ALLOWED), result(UNASKED), result()]
    assert count(results) == {Decision.ALLOW: 2, Decision.WARN: 0, Decision.DENY: 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc\rd\x1be", "a b c d e"),
        ("a\u202eb\u200b\u2028c", "ab c"),
        ("\udc80", "\ufffd"),
        ("é x" * 400, ("é x" * 400)[: MAX_FIELD_CHARACTERS - 1] + "…"),
        ("x" * MAX_FIELD_CHARACTERS, "x" * MAX_FIELD_CHARACTERS),
    ],
)
def test_a_text_is_cleaned_and_bounded(text: str, shown: str) -> None:
    assert show(text) == shown
