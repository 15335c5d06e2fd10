"""A machine that gives little: a disk that cannot be written, few files that may be open, a time of standing still."""

import contextlib
import http.client
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.cage import Cage
from tests.fakes.certificates import Pair
from tests.faults import cases
from tests.faults.cases import Case
from tests.faults.conftest import HONEST
from tests.faults.playing import TIMEOUT_SECONDS, play, play_all
from tests.faults.stage import Stage, stage
from tests.faults.table import FAULTS
from tests.servers.webhook import Webhook

HANGING = tuple(fault for fault in FAULTS if fault.name == "login-silence")
OPEN_FILES, AT_ONCE = 64, 10
"""Each review in flight has a connection of the API server's, and one to its registry."""
# The log goes through a process without the limit, which it would be written against otherwise.
FULL_DISK = 'exec > >(exec cat) 2>&1; ulimit -f 0; exec "$@"'
STANDSTILL_SECONDS = 3
STANDSTILL = f"import signal, time\nsignal.signal(signal.SIGUSR1, lambda *_: time.sleep({STANDSTILL_SECONDS}))\n"
"""A module that Python imports by itself: at a signal the event loop stands still."""
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


def is_alive(running: Webhook, seconds: float) -> bool:
    with contextlib.closing(http.client.HTTPConnection(running.probes, timeout=seconds)) as connection:
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except TimeoutError:
            return False


def test_an_event_loop_that_stands_still_is_seen_by_the_kubelet_and_denies_nothing(
    poor: Stage, pair: Pair, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(STANDSTILL)
    noted = Cage(tmp_path / "process", group=None)
    running = poor.run(pair, poor.serve_cluster().url, {"PYTHONPATH": str(tmp_path)}, launcher=noted.launcher)
    wanted = cases.of(HONEST.name)
    assert is_alive(running, 1)
    os.kill(noted.process, signal.SIGUSR1)
    assert not is_alive(running, 1), "and three times in a row the kubelet would restart it"
    begun_at = time.monotonic()
    plays = play_all(running, wanted)
    assert [played.outcome.decision for played in plays.values()] == ["allow"] * len(plays)
    assert STANDSTILL_SECONDS / 3 < time.monotonic() - begun_at < TIMEOUT_SECONDS, "they had to wait, and not for long"
    assert is_alive(running, 1)
