import pytest

from webhook.admission.deadline import DeadlineLimits, parse_duration

LIMITS = DeadlineLimits(default_seconds=10, margin_seconds=0.5, most_seconds=8)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("+10s", 10),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("1h1m1s1ms", 3661.001),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("250μs", 0.00025),
        ("1000000000ns", 1),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0s", "-5s", "10", "s", "10 s", "10s ", "1d", "ten", "10S", ".s", "1e3s", "٣s", "1s\n", "9" * 64 + "s"],
)
def test_what_is_no_duration_or_leaves_no_time_is_none(text):
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("5s", 4.5),
        ("30s", 8),
        ("", 8),
        ("nonsense", 8),
        ("1s", 0.5),
        ("500ms", 0.25),
        ("100ms", 0.05),
    ],
)
def test_a_review_has_the_timeout_less_the_margin_and_at_most_the_most(timeout, seconds):
    assert LIMITS.seconds_for(timeout) == pytest.approx(seconds)


def test_the_default_counts_as_the_api_servers_timeout():
    limits = DeadlineLimits(default_seconds=3, margin_seconds=0.5, most_seconds=8)
    assert limits.seconds_for("") == pytest.approx(2.5)
