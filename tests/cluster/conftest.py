"""What the tests of this folder share: a cluster to run in, or one line that says why there is none."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import levels
from tests.cluster.here import Cluster

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).parent / "inside"
INSIDE_SECONDS = 600
"""Most take one; a machine that builds something else has been seen to take ten times as long."""

# Tests in `inside` are the command of a world: `run_inside` runs them.
collect_ignore = [] if "CLUSTER_DIRECTORY" in os.environ else ["inside"]

Run = Callable[..., "subprocess.Popen[str]"]
RunInside = Callable[..., tuple[int, str]]


def require(level: str) -> None:
    """Skip the test where this machine cannot run such a cluster."""
    if obstacle := levels.find_obstacle(level):
        pytest.skip(obstacle)


@pytest.fixture
def start_cluster() -> Run:
    """A function that starts COMMAND in a world of its own, its output in pipes."""

    def start(level: str, *command: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        require(level)
        whole = [sys.executable, "-m", "tests.cluster", "run", "--level", level, *options, "--", *command]
        return subprocess.Popen(whole, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


@pytest.fixture
def run_inside(start_cluster: Run) -> RunInside:
    """A function that runs tests of `inside` in a world of their own, where none of them may be skipped."""

    def run(level: str, *files: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
        tests = [str(INSIDE / file) for file in files]
        command = ["env", "PULLCHECK_REQUIRE_ALL=1", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        with start_cluster(level, *command, *tests, options=options) as process:
            output, _ = process.communicate(timeout=INSIDE_SECONDS)
        return process.returncode, output

    return run


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster in whose world these tests run."""
    return Cluster.here()
