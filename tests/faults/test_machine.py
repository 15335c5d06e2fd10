"""A machine that gives little: a disk on which nothing can be written, few files that may be open."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.certificates import Pair
from tests.faults import cases
from tests.faults.cases import Case
from tests.faults.conftest import HONEST
from tests.faults.playing import TIMEOUT_SECONDS, play, play_all
from tests.faults.stage import Stage, stage
from tests.faults.table import FAULTS

HANGING = tuple(fault for fault in FAULTS if fault.name == "login-silence")
OPEN_FILES, AT_ONCE = 64, 10
"""Each review in flight has a connection of the API server's, and one to its registry."""
# The log goes through a process without the limit, which it would be written against otherwise.
FULL_DISK = 'exec > >(exec cat) 2>&1; ulimit -f 0; exec "$@"'
FEW_FILES = f'ulimit -n {OPEN_FILES}; exec "$@"'


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if not shutil.which("bash"):
        pytest.skip("bash is not on the PATH: apt-get install bash")
    with stage(tmp_path_factory.mktemp("machine")) as built:
        built.build([HONEST, *HANGING])
        yield built


def launcher(limits: str) -> list[str | Path]:
    return ["bash", "-e", "-c", limits, "launcher"]


def test_nothing_needs_to_be_written(poor: Stage, pair: Pair) -> None:
    running = poor.run(pair, poor.serve_cluster().url, launcher=launcher(FULL_DISK))
    plays = play_all(running, cases.of(HONEST.name))
    assert [played.outcome.decision for played in plays.values()] == ["allow"] * len(plays)


def test_with_few_open_files_all_are_answered_in_time_and_it_recovers(poor: Stage, pair: Pair) -> None:
    running = poor.run(pair, poor.serve_cluster().url, launcher=launcher(FEW_FILES))
    wanted = [case for fault in HANGING for case in cases.of(fault.name)]
    plays = play_all(running, wanted, at_once=AT_ONCE)
    assert [played.outcome.decision for played in plays.values()] == ["warn"] * len(plays)
    assert max(played.seconds for played in plays.values()) < TIMEOUT_SECONDS
    sound = Case(HONEST.name, cases.WAYS[3])
    assert play(running, sound.review()).outcome.decision == "allow"
