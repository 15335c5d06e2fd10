"""`python -m tests.cluster.servers`: build the servers that the cache does not hold yet, and say where they are."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster import servers

UNFINISHED = ".unfinished"


def build(family: str) -> None:
    """Build a family's commands; its folder appears in the cache only when it is complete."""
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    with tempfile.TemporaryDirectory(suffix=UNFINISHED, dir=servers.cache(), ignore_cleanup_errors=True) as unfinished:
        for name, package in servers.tools(family).items():
            begin = time.monotonic()
            flags = ["-trimpath", "-buildvcs=false", "-ldflags", servers.linker_flags(family)]
            command = ["go", "build", *flags, "-o", str(Path(unfinished, name)), package]
            subprocess.run(command, cwd=servers.FOLDER / family, env=environment, check=True)
            print(f"{name}: built in {time.monotonic() - begin:.0f} s", flush=True)
        Path(unfinished).chmod(0o755)
        Path(unfinished).rename(servers.directory(family))


def main() -> int:
    """Build what is missing; exit 0 when nothing is."""
    missing = [family for family in servers.FAMILIES if not servers.directory(family).is_dir()]
    if not missing:
        print(f"servers: all built, in {servers.cache()}")
        return 0
    if not shutil.which("go"):
        print("servers: Go 1.26.6 or later is needed to build them", file=sys.stderr)
        return 1
    servers.cache().mkdir(parents=True, exist_ok=True)
    # Two builds at once would do the same work twice; the second waits, and finds it done.
    with Path(servers.cache(), "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in servers.cache().glob(f"*{UNFINISHED}"):
            shutil.rmtree(abandoned)
        for family in servers.FAMILIES:
            if not servers.directory(family).is_dir():
                try:
                    build(family)
                except subprocess.CalledProcessError:
                    print(f"servers: {family} could not be built, see above", file=sys.stderr)
                    return 1
    print(f"servers: all built, in {servers.cache()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
