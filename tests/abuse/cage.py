"""A control group with little memory, in which the kernel kills what takes more."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cgroups import Hierarchy, hierarchies

CAGE_BYTES = 256 * 1024 * 1024
"""Half of what the Deployment allows."""
ADVICE = "no control group with a limit of memory can be made here: root and a writable /sys/fs/cgroup are needed"
_ENTER = 'for group in $0; do echo $$ > "$group"; done; exec "$@"'
"""A shell's: it enters each of the groups, notes its number where it is told to, and becomes the command."""
_REMOVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Cage:
    """One that was made; without a group it holds nobody, and knows the process all the same."""

    note: Path
    """A file for the number of the process that went in."""
    group: Path | None

    @property
    def launcher(self) -> list[str]:
        """A command that goes in and becomes the one that follows it."""
        files = [self.note, *([self.group / "cgroup.procs"] if self.group else [])]
        return ["/bin/sh", "-c", _ENTER, " ".join(map(str, files))]

    @property
    def process(self) -> int:
        """The number of the one that went in."""
        return int(self.note.read_text())

    def kills(self) -> int:
        """How often the kernel had to kill."""
        if self.group is None:
            return 0
        names = ("memory.events", "memory.oom_control")
        found = next(path for path in (self.group / name for name in names) if path.exists())
        counts = dict(line.split() for line in found.read_text().splitlines())
        return int(counts["oom_kill"])


@contextlib.contextmanager
def cage(folder: Path) -> Iterator[Cage]:
    """Make one for a test."""
    group = _make(f"pullcheck-abuse-{os.getpid()}")
    try:
        yield Cage(folder / "process", group)
    finally:
        if group:
            _remove(group)


def _make(name: str) -> Path | None:
    tree = next(filter(None, map(_with_memory, hierarchies())), None)
    if tree is None:
        return None
    group = tree.group(name)
    try:
        group.mkdir()
        version1 = group / "memory.limit_in_bytes"
        (version1 if version1.exists() else group / "memory.max").write_text(str(CAGE_BYTES))
    except OSError:
        _remove(group)
        return None
    # Without swap, where there is any: what is swapped out would not be missed.
    for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
        with contextlib.suppress(OSError):
            if (group / swap).exists():
                (group / swap).write_text(str(CAGE_BYTES if "memsw" in swap else 0))
    return group


def _with_memory(tree: Hierarchy) -> Hierarchy | None:
    if tree.kind == "cgroup":
        return tree if "memory" in tree.controllers.split(",") else None
    enabled = tree.mounted / "cgroup.subtree_control"
    return tree if enabled.exists() and "memory" in enabled.read_text().split() else None


def _remove(group: Path) -> None:
    end = time.monotonic() + _REMOVAL_SECONDS
    while group.exists() and time.monotonic() < end:
        with contextlib.suppress(OSError):
            group.rmdir()
        time.sleep(0.01)
