"""Nothing of a world outlasts it, however it ends, and worlds at the same time do not meet."""

import signal
import subprocess
import time
import uuid

import pytest

from tests.cluster import cgroups, leftovers
from tests.cluster.conftest import Run, require

POD = """
    kubectl run "$1" --image=localhost/pause:1 && kubectl wait --for=condition=Ready pod/"$1" &&
    kubectl get pods --output=name && echo used && [ "$2" = stay ] && sleep infinity
"""


class Watch:
    """Remembers the machine as it is before a world of this name."""

    def __init__(self) -> None:
        self.name = f"pullcheck-{uuid.uuid4().hex[:12]}"
        self.options = ("--name", self.name)
        self.before = leftovers.read(self.name)

    def left(self, *, within_seconds: float) -> dict[str, set[str]]:
        return leftovers.find(self.before, self.name, within_seconds=within_seconds)


def test_an_ended_world_leaves_nothing_the_moment_it_returns(start_cluster: Run) -> None:
    watch = Watch()

    with start_cluster("node", "sh", "-c", POD, "pod", "one", options=watch.options) as process:
        output, _ = process.communicate(timeout=120)

    assert "used\n" in output
    assert watch.left(within_seconds=0) == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_killed_world_leaves_nothing(start_cluster: Run, number: signal.Signals) -> None:
    watch = Watch()

    with start_cluster("node", "sh", "-c", POD, "pod", "one", "stay", options=watch.options) as process:
        assert process.stdout
        assert "used\n" in iter(process.stdout.readline, "")
        process.send_signal(number)

    assert watch.left(within_seconds=30) == {}


@pytest.mark.parametrize("delay_seconds", [0.05, 0.1, 0.2, 0.4, 1.0, 2.0])
def test_a_world_killed_while_it_starts_leaves_nothing(start_cluster: Run, delay_seconds: float) -> None:
    watch = Watch()

    with start_cluster("node", "true", options=watch.options) as process:
        time.sleep(delay_seconds)
        process.kill()

    assert watch.left(within_seconds=30) == {}


def test_a_process_that_leaves_its_session_dies_with_the_world(start_cluster: Run) -> None:
    watch = Watch()
    script = "setsid sleep infinity >/dev/null 2>&1 & sleep 0.1"

    with start_cluster("api", "sh", "-c", script, options=watch.options) as process:
        process.communicate(timeout=120)

    assert watch.left(within_seconds=0) == {}


def test_two_worlds_at_once_do_not_meet(start_cluster: Run) -> None:
    one = start_cluster("node", "sh", "-c", POD, "pod", "one")
    two = start_cluster("node", "sh", "-c", POD, "pod", "two")
    with one, two:
        outputs = [process.communicate(timeout=180)[0].splitlines() for process in (one, two)]

    assert [line for line in outputs[0] if line.startswith("pod/") and " " not in line] == ["pod/one"]
    assert [line for line in outputs[1] if line.startswith("pod/") and " " not in line] == ["pod/two"]


def test_a_process_left_behind_would_be_seen() -> None:
    watch = Watch()

    with subprocess.Popen(["sleep", "60"], env={"CLUSTER_NAME": watch.name}) as process:
        left = watch.left(within_seconds=0)
        process.kill()

    assert list(left) == ["processes"]


@pytest.mark.parametrize(
    ("kind", "make", "remove"),
    [
        ("mounts", "mount -n -t tmpfs tmpfs /mnt", "umount -n /mnt"),
        ("interfaces", "ip link add left0 type bridge", "ip link delete left0"),
        ("control groups", "mkdir {group}/kubepods", "rmdir {group}/kubepods"),
        ("control groups", "mkdir {group}/{name}", "rmdir {group}/{name}"),
        ("files", "mkdir -p /run/netns/left", "rmdir -p --ignore-fail-on-non-empty /run/netns/left"),
    ],
)
def test_anything_else_left_behind_would_be_seen(kind: str, make: str, remove: str) -> None:
    require("api")
    watch = Watch()
    values = {"group": cgroups.hierarchies()[0].mounted, "name": watch.name}

    subprocess.run(make.format(**values).split(), check=True)
    left = watch.left(within_seconds=0)
    subprocess.run(remove.format(**values).split(), check=True)

    assert list(left) == [kind]
