"""That the benchmark runs and writes what was measured; how fast anything is, is no test's business."""

import pytest

from tests.bench import program
from tests.bench.__main__ import document, measure, turned
from tests.bench.figures import Measured, table
from tests.bench.program import Load
from tests.bench.stand import Subject, stand

NAMES = ("bare Go", "bare FastAPI", "remembered", "warm")


def measured(rate: float, asked: float | None = None) -> Measured:
    load = Load(
        warm_up=2, requests=int(rate * 2), seconds=2, p50_seconds=1 / rate, p99_seconds=5 / rate, failures=0, failure=""
    )
    return Measured(load, asked)


def test_a_table_has_medians_and_the_ratios_of_each_round():
    rounds = {
        "bare Go": [measured(1000), measured(4000), measured(1000)],
        "bare FastAPI": [measured(500), measured(500), measured(250)],
        "warm": [measured(100, 202), measured(200, 402), measured(50, 102)],
    }
    assert table(rounds).splitlines()[2:] == [
        "| bare Go | 1,000 (1,000 to 4,000) | 1.00 | 5.00 | 4.00 | 1.00 |  |",
        "| bare FastAPI | 500 (250 to 500) | 2.00 | 10.00 | 1.00 | 0.25 |  |",
        "| warm | 100 (50 to 200) | 10.00 | 50.00 | 0.20 | 0.05 | 1.000 |",
    ]


def test_every_subject_begins_a_round():
    subjects = [Subject(name, "127.0.0.1:1") for name in NAMES]
    assert {turned(subjects, turn)[0].name for turn in range(4)} == set(NAMES)


@pytest.mark.skipif(not program.is_buildable(), reason="Go is not on the PATH: install Go 1.26 or later")
def test_one_round_answers_every_review_and_asks_the_registry_for_what_is_new_alone(tmp_path):
    with stand(tmp_path, program.build(tmp_path)) as rig:
        found = measure(rig, rounds=1, seconds=60, requests=50)
    assert list(found) == [1, 16]
    for rounds in found.values():
        assert tuple(rounds) == NAMES
        (remembered,), (warm,) = rounds["remembered"], rounds["warm"]
        assert [one.load.requests for (one,) in rounds.values()] == [50] * 4
        assert remembered.registry_requests in (0, 1)  # a tag is asked for anew once a minute
        assert warm.registry_requests == warm.load.warm_up + 50
    assert document(found, "A machine", 1).count("| warm |") == 2
