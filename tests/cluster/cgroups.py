"""The world's place among the machine's control groups, and the janitor that clears it away.

Pods get control groups, and those outlive every namespace. So each world has one group of its own in every hierarchy,
its processes see that group as the root (a cgroup namespace), and a janitor outside waits for the world's end, however
it comes, kills what is left in the group and removes it.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Killed processes leave a group only when the kernel has torn them down; a pod with a large image may take its time.
MAX_REMOVAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A mounted tree of control groups."""

    kind: str
    """The type of the file system: `cgroup` (version 1) or `cgroup2`."""
    mounted: Path
    controllers: str
    """What a mount of the same version 1 hierarchy must name."""
    current: Path
    """This process's own group."""

    def group(self, name: str) -> Path:
        """Where a world's group goes: below our own, so that limits on us hold for it.

        In version 2 below the root, because a group with processes in it cannot hand controllers down.
        """
        return (self.mounted if self.kind == "cgroup2" else self.current) / name


def hierarchies() -> list[Hierarchy]:
    """Read the hierarchies that this process is part of."""
    belongs = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        belongs[controllers] = path
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        _, _, _, root, mounted = before.split()[:5]
        kind, _, options = after.split()
        if kind not in ("cgroup", "cgroup2"):
            continue
        named = re.search(r"name=\w+", options)
        known = [key for key in belongs if key and set(key.split(",")) <= set(options.split(","))]
        key = "" if kind == "cgroup2" else named[0] if named else (known or ["none"])[0]
        if key in belongs:
            current = Path(mounted, os.path.relpath(belongs[key], root))
            controllers = f"none,{key}" if named else key
            found.append(Hierarchy(kind=kind, mounted=Path(mounted), controllers=controllers, current=current))
    return found


def groups(name: str) -> list[Path]:
    """A world's groups, made or not: one in every hierarchy."""
    return [tree.group(name) for tree in hierarchies()]


def remount() -> None:
    """Inside the world: let the mounted hierarchies show the world's groups as their roots."""
    for tree in hierarchies():
        subprocess.run(["umount", "--lazy", tree.mounted], check=True)
        options = ["-o", tree.controllers] if tree.kind == "cgroup" else []
        subprocess.run(["mount", "-t", tree.kind, *options, "cgroup", tree.mounted], check=True)
        if tree.kind == "cgroup2":
            # Only a group without processes of its own can hand controllers down to the groups of pods.
            leaf = tree.mounted / "servers"
            leaf.mkdir()
            (leaf / "cgroup.procs").write_text("0")


def make(name: str) -> None:
    """Make a world's groups."""
    for group in groups(name):
        group.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (group / setting).exists() and not (group / setting).read_text().strip():
                # Version 1 leaves them empty, and then nothing may join.
                with contextlib.suppress(OSError):
                    (group / setting).write_text((group.parent / setting).read_text())


def remove(name: str) -> bool:
    """Kill what is in a world's groups and remove them; false if that does not succeed in time."""
    end = time.monotonic() + MAX_REMOVAL_SECONDS
    while (left := [group for group in groups(name) if group.exists()]) and time.monotonic() < end:
        for group in left:
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    for process in Path(folder, "cgroup.procs").read_text().split():
                        os.kill(int(process), signal.SIGKILL)
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
        time.sleep(0.01)
    return not left


def main(name: str) -> int:
    """Be the janitor: make a world's groups, say so, wait until whoever started us is done or gone, clear them away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        make(name)
        print("made", flush=True)
        sys.stdin.read()
    finally:
        gone = remove(name)
    if not gone:
        print(f"cluster: the control groups {name} could not be removed", file=sys.stderr)
    return 0 if gone else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
