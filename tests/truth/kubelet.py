"""The kubelet's side of the comparison: the Go program in `oracle`, built once into the servers' cache, and asked."""

import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "oracle"
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off"}
_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w")
_LACKING = "the kubelet's own code to compare with"

Answer = dict[str, Any]


def cache() -> Path:
    """Say where what is built is kept; the real servers of the cluster tests are there too."""
    return Path(os.environ.get("PULLCHECK_SERVERS") or Path.home() / ".cache" / "pullcheck" / "servers")


@functools.cache
def program() -> Path:
    """Say where the built program is or will be; the folder is named by a digest of the source, versions included."""
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in sorted(path for path in SOURCE.iterdir() if path.suffix in {".go", ".mod", ".sum"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache() / f"oracle-{digest.hexdigest()[:16]}" / "oracle"


def find_obstacle() -> str:
    """Build the program unless it is there; empty, or what is lacking and how to get it."""
    if program().is_file():
        return ""
    if not shutil.which("go"):
        return f"{_LACKING}: install Go 1.26"
    fault = build()
    return f"{_LACKING}: let Go 1.26 build it, with a module proxy within reach ({fault})" if fault else ""


def build() -> str:
    """Build the program; it appears in the cache when it is complete, and two builds at once are one.

    Returns:
        The last line of Go's complaint; empty when it is built.
    """
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "oracle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program().is_file():
            return ""
        with tempfile.TemporaryDirectory(dir=cache(), suffix=".unfinished") as unfinished:
            built = Path(unfinished, "oracle")
            command = ["go", "build", *_FLAGS, "-o", str(built), "."]
            done = subprocess.run(
                command, cwd=SOURCE, env=os.environ | _ENVIRONMENT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            program().parent.mkdir(exist_ok=True)
            built.rename(program())
    return ""


def answer_all(cases: Sequence[bytes]) -> list[Answer]:
    """Give the kubelet's answers to many cases, in their order."""
    asked = b"".join(case + b"\n" for case in cases)
    done = subprocess.run([program()], input=asked, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Kubelet:
    """A running oracle, asked one case at a time."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def answer(self, case: bytes) -> Answer:
        """Give the kubelet's answer to one case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(case + b"\n")
        self._process.stdin.flush()
        given: Answer = json.loads(self._process.stdout.readline())
        return given


@contextmanager
def running() -> Iterator[Kubelet]:
    """Start the oracle and end it."""
    with subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Kubelet(process)
