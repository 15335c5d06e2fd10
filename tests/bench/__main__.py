"""Measures reviews a second and their durations beside bare answers, in one run; writes docs/performance.md.

    python -m tests.bench [--print] [--rounds 5] [--seconds 2.5] [--requests N]

Every round measures every subject once at each number of callers, the order turned from round to round, so that
whatever else the machine does meanwhile meets all of them alike.
"""

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench import program
from tests.bench.figures import Measured, Rounds, table
from tests.bench.stand import Stand, Subject, stand

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
CALLERS = (1, 16)
TEXT = """# Performance

Written by `make bench`: reviews a second over kept TLS connections, beside a bare answer of Go's `net/http` and one of FastAPI under the same uvicorn. The bare ones read the same review, of a pod with two pull secrets, and answer the same bytes, without parsing the one or making the other. What is measured of pullcheck is the real process with its defaults, its log and its metrics:

- **remembered**: the same image again and again, answered from memory (a tag is asked for anew once a minute);
- **warm**: another tag in every review, so that each one costs a HEAD to a registry, with a token that is known.

The registry is on the same machine, so that its distance, in the field most of a warm review's time, is not in the figures. The measured server has one processor, the callers and the registry have another. Read the ratios: machines differ, and so do moments.

{machine}. Rounds, with all subjects in each: {rounds}. Medians, and of the rates the lowest and highest round; ratios of rates within a round. The last column counts requests to the registry for each review.
"""  # noqa: E501 (a paragraph is a line)


def measure(rig: Stand, *, rounds: int, seconds: float, requests: int) -> dict[int, Rounds]:
    """Measure everything; by the number of callers.

    Raises:
        RuntimeError: An answer was not what it should be.
    """
    found: dict[int, dict[str, list[Measured]]] = {
        callers: {subject.name: [] for subject in rig.subjects} for callers in CALLERS
    }
    for turn in range(rounds):
        for callers in CALLERS:
            for subject in turned(rig.subjects, turn):
                before = registry_requests(subject)
                load = rig.measure(subject, callers=callers, seconds=seconds, requests=requests)
                if load.failures:
                    raise RuntimeError(f"{subject.name}: {load.failures} wrong answers, such as {load.failure}")
                after = registry_requests(subject)
                asked = None if before is None or after is None else after - before
                found[callers][subject.name].append(Measured(load, asked))
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    return dict(found)


def registry_requests(subject: Subject) -> float | None:
    """How many requests to registries the webhook has counted so far."""
    if subject.webhook is None:
        return None
    samples = subject.webhook.metrics().items()
    return sum(value for name, value in samples if name.startswith("pullcheck_registry_requests_total"))


def turned(subjects: Sequence[Subject], by: int) -> list[Subject]:
    start = by % len(subjects)
    return [*subjects[start:], *subjects[:start]]


def machine() -> str:
    """Say what the figures were measured on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return (
        f"{os.cpu_count()} processors ({model[1] if model else platform.machine()}), load average at the start "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, uvicorn {version('uvicorn')}, "
        f"FastAPI {version('fastapi')}, Go {program.version()}"
    )


def document(found: dict[int, Rounds], machine_text: str, rounds: int) -> str:
    """Write the page."""
    titles = {1: "One review at a time", 16: "Sixteen at once"}
    parts = [TEXT.format(machine=machine_text, rounds=rounds)]
    parts += [f"## {titles[callers]}\n\n{table(measured)}\n" for callers, measured in found.items()]
    return "\n".join(parts)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="tests.bench")
    arguments.add_argument("--print", action="store_true", help="write to standard output, not into docs")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=2.5, help="for each measurement")
    arguments.add_argument("--requests", type=int, default=10**9, help="for each measurement, at most")
    options = arguments.parse_args()
    described = machine() if program.is_buildable() else ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            binary = program.build(Path(folder))
        except program.GoMissingError as missing:
            sys.exit(f"bench: {missing}")
        with stand(Path(folder), binary) as rig:
            found = measure(rig, rounds=options.rounds, seconds=options.seconds, requests=options.requests)
    text = document(found, described, options.rounds)
    if options.print:
        print(text)
    else:
        DOCUMENT.write_text(text)
        print(f"written: {DOCUMENT.relative_to(Path.cwd()) if DOCUMENT.is_relative_to(Path.cwd()) else DOCUMENT}")


if __name__ == "__main__":
    main()
