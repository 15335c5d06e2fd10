"""Every scene on a real node: what we say is true, and docs/truth.md is what a run gives."""

import subprocess
import sys

import pytest

from tests.cluster import levels
from tests.truth.report import NOT_RUN, ROOT

MAX_SECONDS = 1500
"""Three minutes on two idle cores; a busy machine takes its time."""


def test_every_verdict_is_true_and_the_report_is_what_a_run_gives() -> None:
    if obstacle := levels.find_obstacle("node"):
        pytest.skip(obstacle)

    command = [sys.executable, "-m", "tests.truth.report", "--check"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MAX_SECONDS, check=False)

    assert ran.returncode != NOT_RUN, ran.stderr
    assert (ran.returncode, ran.stderr) == (0, "")
