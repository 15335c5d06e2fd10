"""What a world could leave behind on the machine, so that tests can compare before and after."""

import os
import tempfile
import time
from pathlib import Path

# Where servers of this kind write if they are not told otherwise.
FOLDERS = (
    *("/etc/cni", "/etc/containerd", "/etc/kubernetes", "/opt/cni", "/opt/containerd", "/opt/nri"),
    *("/run/cluster", "/run/cni", "/run/containerd", "/run/netns", "/run/nri", "/run/runc"),
    *("/var/lib/cni", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/kubernetes"),
    *("/var/log/containers", "/var/log/kubernetes", "/var/log/pods", "~/.kube"),
)
FILES = ("/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")
# Where other programs on the machine mount images and build them.
FOREIGN = (tempfile.gettempdir(), "/var/lib/containers", "/var/lib/docker")
WORDS = ("cluster", "cni", "containerd", "etcd", "k8s.io", "kube", "netns", "pods", "runc")
SETTINGS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def read(name: str) -> dict[str, set[str]]:
    """Read the state of the machine, of which a world called `name` may be part: kind of thing -> each of its kind."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    groups = {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}
    return {
        "processes": _processes(name.encode()),
        "mounts": {f"{mount[4]} (number {mount[0]})" for mount in mounts if not mount[4].startswith(FOREIGN)},
        "interfaces": {path.name for path in Path("/sys/class/net").iterdir()},
        "control groups": {
            group for group in groups if name in group or (_is_ours(group) and "/pullcheck-" not in group)
        },
        "files": {path for folder in FOLDERS for path in _files(Path(folder).expanduser())},
        "changed files": {f"{path} of {Path(path).stat().st_size} bytes" for path in FILES if Path(path).exists()},
        "temporary files": {path.name for path in Path(tempfile.gettempdir()).iterdir() if _is_ours(path.name)},
        "settings": {f"{name}={Path('/proc/sys', name).read_text().strip()}" for name in SETTINGS},
    }


def compare(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is there now and was not before, or has another value; empty if nothing."""
    return {kind: things - before[kind] for kind, things in after.items() if things - before[kind]}


def find(before: dict[str, set[str]], name: str, *, within_seconds: float) -> dict[str, set[str]]:
    """What is left of a world; the janitor of a killed one works on by itself, and is given some time."""
    end = time.monotonic() + within_seconds
    while (left := compare(before, read(name))) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _processes(name: bytes) -> set[str]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if folder.name != str(os.getpid()) and (name in command or name in (folder / "environ").read_bytes()):
                found.add(f"{folder.name} {command.replace(bytes(1), b' ').decode()}")
        except OSError:
            continue  # it ended while we looked
    return found


def _files(folder: Path) -> set[str]:
    return {str(Path(parent, name)) for parent, folders, files in os.walk(folder) for name in ["", *folders, *files]}


def _is_ours(path: str) -> bool:
    return any(word in path.lower() for word in WORDS)
