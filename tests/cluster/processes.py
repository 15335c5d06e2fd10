"""Servers as processes: started with a log of their own, waited for, and their last words read when they fail."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LAST_LINES = 15

# Python complains about a process that is forgotten while it runs; these are meant to run on.
RUNNING: list[subprocess.Popen[bytes]] = []


class StartError(Exception):
    """A server did not become ready; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, until `stop` or the world's end."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def stop(self) -> None:
        """Let it end, and wait for that."""
        self.process.terminate()
        self.process.wait()
        RUNNING.remove(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(name: str, command: Sequence[str | Path], logs: Path, environment: Mapping[str, str] | None = None) -> Server:
    """Start a server whose output goes to `logs`/NAME.log.

    It gets a session of its own: a Ctrl-C in the terminal is meant for the command that uses the cluster.
    """
    log = logs / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | (environment or {}),
            start_new_session=True,
        )
    RUNNING.append(process)
    return Server(name=name, log=log, process=process)


def wait_until(
    ready: Callable[[], bool], what: str, servers: Sequence[Server], *, timeout_seconds: float = 120
) -> None:
    """Wait until `ready()`; `servers` are those whose failure would explain why it never comes.

    What takes 5 s on an idle machine has been seen to take a minute on one that builds something else.

    Raises:
        StartError: one of them ended, or the time is over.
    """
    end = time.monotonic() + timeout_seconds
    while not ready():
        ended = [server for server in servers if server.process.poll() is not None]
        if ended or time.monotonic() > end:
            fault = f"{ended[0].name} ended" if ended else f"{what}: not within {timeout_seconds:g} s"
            words = "\n".join(f"--- {server.name}\n{server.last_words()}" for server in ended or servers)
            raise StartError(f"{fault}\n{words}")
        time.sleep(0.05)
