"""The benchmark's own program in Go: built into a folder of the run, and asked to send load."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "program"


class GoMissingError(Exception):
    """There is no Go on the PATH."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of sending reviews for a while."""

    warm_up: int
    """Reviews sent before the clock ran."""
    requests: int
    seconds: float
    p50_seconds: float
    p99_seconds: float
    failures: int
    failure: str

    @property
    def rate(self) -> float:
        """Reviews a second."""
        return self.requests / self.seconds


def is_buildable() -> bool:
    return shutil.which("go") is not None


def build(folder: Path) -> Path:
    """Build the program; it needs the standard library only.

    Raises:
        GoMissingError: What builds it is not there.
    """
    if not is_buildable():
        raise GoMissingError("Go 1.26 or later is needed")
    binary = folder / "bench"
    subprocess.run(["go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "."], cwd=SOURCES, check=True)
    return binary


def version() -> str:
    """Go's version, such as 1.26.8."""
    return subprocess.check_output(["go", "env", "GOVERSION"], text=True).strip().removeprefix("go")


def send_load(program: Path, **flags: object) -> Load:
    """Send reviews; the flags are the program's."""
    arguments = [f"-{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in flags.items()]
    return Load(**json.loads(subprocess.check_output([program, "load", *arguments])))
