"""`python -m tests.cluster.rollouts --restarts 100 --rate 200`: restart two replicas in turn while reviews go on.

Each restart is a SIGTERM, the process's end, a new process, and its place among the Service's endpoints; meanwhile the
other answers alone. Prints the figures, and exits 0 if the API server noticed nothing.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster import admissions, images, pullcheck, registry, replicas, servers
from tests.cluster.admissions import Calls
from tests.cluster.here import Cluster
from tests.cluster.inside.workloads import manifest
from tests.cluster.load import Load, Tally
from tests.cluster.processes import StartError, wait_until
from tests.cluster.replicas import Fleet, Replica

REGISTRY, REGISTRY_ADDRESS = "registry.example.com", "10.88.0.2"
IMAGES = tuple(f"{REGISTRY}/my-app:{number}" for number in range(4))
NAMESPACE = "rollouts"
_PLACES = re.compile(r"[\d.]+:\d+(->[\d.]+:\d+)?")
SHOWN = 20
"""Kinds of surprises, and of reasons in the API server's log."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    restarts: int
    seconds: float
    ends: tuple[float, ...]
    """Seconds from SIGTERM to the process's end."""
    codes: Counter[int]
    """The processes' exit codes."""
    calls: Calls
    tally: Tally
    failures: tuple[str, ...]
    """The API server's own lines about calls of the webhook that failed."""

    def __str__(self) -> str:
        """Say it in some lines."""
        tally, calls = self.tally, self.calls
        ended = f"{min(self.ends, default=0):.1f} to {max(self.ends, default=0):.1f} s"
        p50, p99, longest = (f"{tally.quantile(part) * 1000:.0f} ms" for part in (0.5, 0.99, 1))
        lines = [
            f"{self.restarts} restarts in {self.seconds:.0f} s: ended after {ended}, exit codes {dict(self.codes)}",
            f"{len(tally.seconds)} calls, {len(tally.seconds) / self.seconds:.0f} a second: {dict(tally.statuses)}",
            f"answered within {p50} (p50), {p99} (p99), {longest} (longest)",
            f"{calls.all} reviews, {calls.failed_open} failed open, {calls.failed} failed closed",
            f"{len(tally.surprises)} answers that were not due",
        ]
        kinds = Counter(surprise.text[:160] for surprise in tally.surprises)
        lines += [f"  {count} x {text}" for text, count in kinds.most_common(SHOWN)]
        reasons = {_PLACES.sub("", line.rpartition('": ')[2]): line for line in self.failures}
        counts = Counter(_PLACES.sub("", line.rpartition('": ')[2]) for line in self.failures)
        lines += [f"  {count} x {reason}, as in\n    {reasons[reason]}" for reason, count in counts.most_common(SHOWN)]
        return "\n".join(lines)


@contextmanager
def prepared(cluster: Cluster, settings: Mapping[str, Any] | None = None) -> Iterator[Fleet]:
    """The registry and its images, the namespace that refuses, and both replicas, called by the API server."""
    cluster.add_address(REGISTRY_ADDRESS, REGISTRY)
    with registry.start(cluster, REGISTRY, REGISTRY_ADDRESS):
        program = servers.find("pause")
        if not program:
            raise StartError("pause was not found: run `make servers`")
        for image in IMAGES:
            name = image.removeprefix(f"{REGISTRY}/")
            registry.pusher(cluster, REGISTRY).push(name, images.runnable(program, name=name))
        pullcheck.apply(cluster, *refusing(NAMESPACE))
        with replicas.install(cluster, settings) as fleet:
            wait_until(lambda: is_called(cluster, NAMESPACE), "the API server calls pullcheck", [])
            yield fleet


def refusing(namespace: str, mode: str = "enforce") -> list[dict[str, Any]]:
    """A namespace, and what a controller would make in it."""
    metadata = {"name": namespace, "labels": {"pullcheck.dev/mode": mode}}
    account = {"name": "default", "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
    ]


def is_called(cluster: Cluster, namespace: str) -> bool:
    """Whether the API server has learned of the webhook, and goes by the namespace's label."""
    bad = manifest("Deployment", pullcheck.NO_REFERENCE, namespace=namespace, secrets=())
    return "denied the request" in admissions.create(cluster, bad).message


def restart(fleet: Fleet, replica: Replica, pre_stop_seconds: float = 0) -> tuple[float, int]:
    """End one and start it again; return when it is back, with the seconds that the end took, and the exit code.

    Args:
        fleet: Whose.
        replica: Which.
        pre_stop_seconds: How long before SIGTERM it stops to be an endpoint; 0: it says so itself, from SIGTERM on.
    """
    replica.is_leaving = pre_stop_seconds > 0
    time.sleep(pre_stop_seconds)
    begin = time.monotonic()
    code = replica.end()
    ended = time.monotonic()
    replica.is_leaving = False
    wait_until(lambda: replica.address not in (fleet.known or ()), "the API server knows that it is gone", [])
    replica.start()
    fleet.wait_for(replica)
    return ended - begin, code


def roll(
    cluster: Cluster,
    fleet: Fleet,
    *,
    restarts: int,
    rate: float,
    pre_stop_seconds: float = 0,
    progress: bool = False,
) -> Figures:
    """Restart the replicas in turn, under load."""
    before, said = admissions.read_calls(cluster), len(admissions.read_failures(cluster))
    begin = time.monotonic()
    done = []
    with Load(cluster, NAMESPACE, IMAGES, rate) as load:
        for number in range(restarts):
            done.append(restart(fleet, fleet.replicas[number % len(fleet.replicas)], pre_stop_seconds))
            if progress:
                calls = admissions.read_calls(cluster).since(before)
                print(f"{number + 1}: after {time.monotonic() - begin:.0f} s {calls}", flush=True)
    return Figures(
        restarts=restarts,
        seconds=time.monotonic() - begin,
        ends=tuple(seconds for seconds, _ in done),
        codes=Counter(code for _, code in done),
        calls=admissions.read_calls(cluster).since(before),
        tally=load.tally,
        failures=tuple(admissions.read_failures(cluster)[said:]),
    )


def main(arguments: Sequence[str]) -> int:
    """Roll in a world of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--rate", type=float, default=200, help="reviews a second (default: %(default)s)")
    parser.add_argument("--pre-stop", type=float, default=0, help="seconds without being an endpoint before SIGTERM")
    options = parser.parse_args(arguments)
    if "CLUSTER_DIRECTORY" not in os.environ:
        here = [sys.executable, "-m", "tests.cluster.rollouts", *arguments]
        world = [sys.executable, "-m", "tests.cluster", "run", "--level=api", "--"]
        return subprocess.run([*world, *here], check=False).returncode
    cluster = Cluster.here()
    with prepared(cluster) as fleet:
        figures = roll(
            cluster,
            fleet,
            restarts=options.restarts,
            rate=options.rate,
            pre_stop_seconds=options.pre_stop,
            progress=True,
        )
    print(figures)
    return 1 if figures.calls.failed_open or figures.calls.failed or figures.tally.surprises else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
