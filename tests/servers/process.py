"""A server of ours in a process of its own, which ends with the test whatever happens."""

import contextlib
import ctypes
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

START_SECONDS = 20.0
"""A loaded machine with two cores starts anything of ours well within it."""
STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_Seen = TypeVar("_Seen")


class ServerFailedError(Exception):
    """The process ended, or did not become ready in time."""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], output: Path, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command with both its outputs in a file; it is ended when the block is left, or when we die."""
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environ,
            cwd=cwd,
            preexec_fn=_die_with_us,  # noqa: PLW1509 (one system call, no lock, no memory)
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Ask a process to end, insist after a while, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def until(look: Callable[[], _Seen | None], process: "subprocess.Popen[bytes]", output: Path) -> _Seen:
    """Look again and again until there is something to see.

    Raises:
        ServerFailedError: The process ended or nothing came in time; the text holds the end of its output.
    """
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at:
        if (seen := look()) is not None:
            return seen
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise ServerFailedError(f"exit code {process.poll()}: {output.read_text(errors='replace')[-2000:]}")


def _die_with_us() -> None:
    """Have the kernel end this child when its parent dies by a signal that cannot be caught."""
    with contextlib.suppress(OSError, AttributeError):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
