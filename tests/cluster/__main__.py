"""The commands: `python -m tests.cluster run … -- COMMAND`, `shell`, and `check`, which says what a level lacks here.

`run` returns the command's exit code, or 125 if the cluster itself could not be started.
"""

import argparse
import importlib
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.cluster import levels, world
from tests.cluster.here import Cluster
from tests.cluster.processes import StartError

NOT_STARTED, NOT_FOUND = 125, 127

GREETING = """\
A Kubernetes of your own ({level}, ready after {seconds:.1f} s): kubectl is set up, everything dies with this shell.
Its files, and the servers' logs: {directory}
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("verb", choices=("run", "shell", "check", "inside"))
    add = parser.add_argument
    add("--level", choices=tuple(levels.PROGRAMS), default="node", help="how much is started (default: %(default)s)")
    add("--address", action="append", default=[], metavar="ADDRESS=NAME[,NAME]", help="a further one, 10.88.0.2 and up")
    guest = "call MODULE.start(cluster) first; what it returns is said to a shell's user"
    add("--with", action="append", default=[], metavar="MODULE", dest="guests", help=guest)
    add("--publicly-trusted", action="store_true", help="the cluster's authority is trusted by everybody in the world")
    add("--name", default=f"pullcheck-{uuid.uuid4().hex[:12]}", help="the world's name among the control groups")
    add("--logs", type=Path, metavar="FOLDER", help="where the servers' logs go after a failure")
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    if "--" in arguments:
        split = arguments.index("--")
        return argparse.Namespace(**vars(parser.parse_args(arguments[:split])) | {"command": arguments[split + 1 :]})
    return parser.parse_args(arguments)


def enter(options: argparse.Namespace) -> Cluster:
    """Make the world that this process is to be the first in, without what points out of it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    world.enter({address: hosts.split(",") for address, _, hosts in (text.partition("=") for text in options.address)})
    cluster = Cluster(world.DIRECTORY)
    os.environ.update(cluster.environment)
    if options.publicly_trusted:
        world.trust(cluster.authority.folder / "ca.crt")
    return cluster


def inside(options: argparse.Namespace) -> int:
    """Make the world, start the servers, run the command."""
    begin = time.monotonic()
    try:
        cluster = enter(options)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"cluster: its world could not be made: {error}", file=sys.stderr)
        return NOT_STARTED
    code = NOT_STARTED
    try:
        levels.start(cluster, options.level)
        said = [importlib.import_module(guest).start(cluster) for guest in options.guests]
        if not options.command:
            print(GREETING.format(level=options.level, seconds=time.monotonic() - begin, directory=cluster.directory))
            print(*filter(None, said), sep="\n", flush=True)
        code = subprocess.run(options.command or [os.environ.get("SHELL", "bash")], check=False).returncode
    except StartError as error:
        print(f"cluster: {error}", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"cluster: {error}", file=sys.stderr)
        code = NOT_FOUND
    finally:
        if code and options.logs:
            cluster.save_logs(options.logs)
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Run a command of this harness."""
    options = parse(arguments)
    if options.verb == "inside":
        return inside(options)
    if options.verb == "run" and not options.command:
        print("cluster: run needs -- COMMAND", file=sys.stderr)
        return 2
    if obstacle := levels.find_obstacle(options.level):
        print(f"cluster: {obstacle}", file=sys.stderr)
        return NOT_STARTED
    if options.verb == "check":
        return 0
    try:
        return world.run(options.name, [sys.executable, "-m", "tests.cluster", "inside", *arguments[1:]])
    except OSError as error:
        print(f"cluster: its world could not be made: {error}", file=sys.stderr)
        return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
