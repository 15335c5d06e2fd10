"""A world of its own: private network, mounts, processes and names, and nothing that outlasts it.

`run` is the outside: it starts a first process in new namespaces and returns when that ended. `enter` is the inside:
what that process does before anything else. All that the servers write goes to a tmpfs which dies with the mount
namespace, so that even a kill -9 of everything leaves no file.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from tests.cluster import cgroups, names

DIRECTORY = Path("/run/cluster")
NODE, NODE_ADDRESS = "node-1", "10.88.0.1"
BRIDGE = "node0"
NAMESPACES = ("--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")

# The world's first process joins the world's control groups, and only then makes them the root of what it can see.
JOIN = """
while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift
exec unshare --cgroup "$@"
"""

# Where servers write whatever they are told: these show the machine's content, and keep changes to the world.
COVERED = ("/etc", "/var/lib", "/var/log")

# What the kubelet sets for the whole machine, no namespace holds it (k8s.io/component-helpers/node/util/sysctl).
MACHINE_SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def run(name: str, command: Sequence[str]) -> int:
    """Run a command as the first process of a new world; return its exit code when the world is gone.

    Args:
        name: what the world's control groups are called; its processes find it in CLUSTER_NAME.
        command: the program and its arguments.
    """
    with _signals_turned_into_exit(), _janitor(name):
        join: list[str | Path] = ["sh", "-e", "-c", JOIN, "join", *cgroups.groups(name), "--"]
        process = subprocess.Popen(["unshare", *NAMESPACES, *join, *command], env=os.environ | {"CLUSTER_NAME": name})
        try:
            code = process.wait()
        finally:
            process.kill()
            process.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _janitor(name: str) -> Iterator[None]:
    """Have somebody who makes the world's control groups, and removes them even if this process is killed."""
    command = [sys.executable, "-m", "tests.cluster.cgroups", name]
    janitor = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    with janitor:
        # Leaving this block closes the janitor's input, which is what it waits for, and waits for its end.
        if not (janitor.stdout and janitor.stdout.readline()):
            raise OSError("the world's control groups could not be made")
        yield


@contextlib.contextmanager
def _signals_turned_into_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end us in good order. SIGINT from a terminal also reaches the command, which decides."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    def wait(_number: int, _: FrameType | None) -> None:
        return

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def enter(addresses: Mapping[str, Iterable[str]]) -> None:
    """Inside: make the private network with these addresses and their names, and the private mounts.

    Returns only in a child of the first process; the first process itself reaps orphans until that child ends.
    """
    # Before every other mount, and with -n: mount and umount keep notes there, in /run/mount.
    subprocess.run(["mount", "-n", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    cgroups.remount()
    _fork_from_reaper()
    DIRECTORY.mkdir()
    _cover_folders()
    _cover_machine_settings()
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").write_text(f"nameserver {NODE_ADDRESS}\n")
    names.HOSTS.write_text("127.0.0.1 localhost\n::1 localhost\n")
    for arguments in (
        ["link", "set", "lo", "up"],
        ["link", "add", BRIDGE, "type", "bridge"],
        ["link", "set", BRIDGE, "up"],
    ):
        subprocess.run(["ip", *arguments], check=True)
    add_address(NODE_ADDRESS, [NODE])
    # The kubelet and others ask which interface the default route leaves by.
    subprocess.run(["ip", "route", "add", "default", "dev", BRIDGE], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for address, hosts in addresses.items():
        add_address(address, hosts)
    names.serve(NODE_ADDRESS)


def add_address(address: str, hosts: Iterable[str]) -> None:
    """Inside: give the node's bridge one more address, known by these names to everybody in the world."""
    subprocess.run(["ip", "address", "replace", f"{address}/24", "dev", BRIDGE], check=True)
    with names.HOSTS.open("a") as file:
        file.writelines(f"{address} {host}\n" for host in hosts)


def find_obstacle() -> str | None:
    """What the kernel or a container around us says against a world, in one line; None if nothing."""
    probe = subprocess.run(["unshare", "--cgroup", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return probe.stderr.strip() if probe.returncode else None


def trust(certificate: Path) -> None:
    """Inside: let every program that starts from now on trust this authority, as it trusts the public ones."""
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    with bundle.open("a") as file:
        file.write("\n" + certificate.read_text())


def _fork_from_reaper() -> None:
    child = os.fork()
    if child == 0:
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _cover_folders() -> None:
    here = Path.cwd()
    (DIRECTORY / "here").mkdir()
    subprocess.run(["mount", "--bind", here, DIRECTORY / "here"], check=True)
    for folder in COVERED:
        cover = DIRECTORY / "covers" / folder.strip("/")
        (cover / "changes").mkdir(parents=True)
        (cover / "work").mkdir()
        options = f"lowerdir={folder},upperdir={cover / 'changes'},workdir={cover / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", folder], check=True)
        if here.is_relative_to(folder):
            # The repository itself lies there: what its tests write is meant to stay.
            subprocess.run(["mount", "--bind", DIRECTORY / "here", here], check=True)
            os.chdir(here)
    subprocess.run(["umount", DIRECTORY / "here"], check=True)
    (DIRECTORY / "here").rmdir()


def _cover_machine_settings() -> None:
    for setting in MACHINE_SETTINGS:
        real = Path("/proc/sys", setting)
        stand_in = DIRECTORY / "settings" / setting
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        if real.exists():
            stand_in.write_text(real.read_text())
            subprocess.run(["mount", "--bind", stand_in, real], check=True)
