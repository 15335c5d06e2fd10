"""`python -m tests.cluster.repeat --times 100`: start and stop clusters in a row, and show that nothing is left behind.

Each is used before it goes: a pod runs on it. Every tenth is killed (SIGKILL) instead of ending by itself.
"""

import argparse
import statistics
import subprocess
import sys
import time

from tests.cluster import leftovers
from tests.cluster.levels import PROGRAMS

USE = {
    "api": "kubectl version >&2",
    "cluster": "kubectl create deployment one --image=localhost/pause:1 >&2",
    "node": "kubectl run one --image=localhost/pause:1 >&2 && kubectl wait --for=condition=Ready pod/one >&2",
}


def start_and_stop(name: str, level: str, *, kill: bool) -> tuple[float, float]:
    """Start a cluster, use it, end it: seconds until it was usable, and seconds from its end until it was gone."""
    begin = time.monotonic()
    script = f"echo usable; {USE[level]} || exit; echo used; {'sleep infinity' if kill else 'true'}"
    command = [sys.executable, "-m", "tests.cluster", "run", "--name", name, "--level", level, "--", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        if process.stdout.readline() != "usable\n":
            raise RuntimeError(process.stderr.read())
        usable = time.monotonic()
        if process.stdout.readline() != "used\n":
            raise RuntimeError(process.stderr.read())
        used = time.monotonic()
        if kill:
            process.kill()
        process.wait()
    return usable - begin, time.monotonic() - used


def main(arguments: list[str]) -> int:
    """Repeat; exit 0 if nothing was left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--level", choices=tuple(PROGRAMS), default="node")
    options = parser.parse_args(arguments)
    before = leftovers.read("pullcheck-repeat-")
    usable, gone = [], []
    for number in range(1, options.times + 1):
        name = f"pullcheck-repeat-{number}"
        kill = number % 10 == 0
        seconds = start_and_stop(name, options.level, kill=kill)
        usable.append(seconds[0])
        gone.append(seconds[1])
        left = leftovers.find(before, "pullcheck-repeat-", within_seconds=60 if kill else 0)
        print(
            f"{number}: usable after {seconds[0]:.1f} s, gone after {seconds[1]:.1f} s, left: {left or 'nothing'}",
            flush=True,
        )
        if left:
            return 1
    for what, values in (("usable", usable), ("gone", gone)):
        print(f"{what}: median {statistics.median(values):.1f} s, longest {max(values):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
