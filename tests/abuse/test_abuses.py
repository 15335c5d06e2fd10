"""Nobody who can reach the webhook can have it killed, or keep the API server from being answered."""

import pytest

from tests.abuse.abuses import ABUSES
from tests.abuse.cage import ADVICE
from tests.abuse.stage import stage
from tests.abuse.steady import TIMEOUT_SECONDS

MAX_RESIDENT_MIB = 192
SECONDS = 4.0


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("abuse")) as built:
        yield built


@pytest.mark.parametrize("name", ABUSES)
def test_real_reviews_are_answered_and_memory_is_bounded(staged, name):
    outcome = staged.play(ABUSES[name], seconds=SECONDS)
    print(f"{name}: {outcome.peak_mib:.0f} MiB at most, p99 {outcome.ratio:.1f} times what it was")
    assert outcome.during, "somebody called meanwhile"
    assert outcome.faults == []
    assert outcome.peak_mib <= MAX_RESIDENT_MIB


def test_after_all_that_no_real_review_was_late_and_nothing_was_killed(staged):
    assert staged.slowest_seconds() < TIMEOUT_SECONDS
    assert staged.memory.resident_mib() > 0
    if staged.cage.group is None:
        pytest.skip(ADVICE)
    assert staged.cage.kills() == 0
