"""`python -m tests.truth.report` plays every scene on a real node and writes docs/truth.md anew.

With `--check` nothing is written: the exit code is 1 where the file is not what a run gives. A fault in any scene is
told on stderr, and is exit code 1 as well; 125: the scenes could not be played. The file's last section is not from
here and stays as it is: `python -m tests.truth.differential --record` writes it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tests.cluster import levels
from tests.truth import judge
from tests.truth.judge import DECISIONS, offers
from tests.truth.outcome import Outcome
from tests.truth.scenes import table
from tests.truth.scenes.scene import Scene

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "truth.md"
RANDOM_CASES = "## Random cases against the kubelet's own code"
"""The title of the last section."""
NOT_RUN = 125
_PASSING = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:…"),
    (re.compile(r"sha512:[0-9a-f]{128}"), "sha512:…"),
    (re.compile(r"current time \S+ is after \S+"), "current time … is after …"),
    (re.compile(r"(?<=[0-9]):\d{4,5}(?=->)"), ":…"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
)
"""What differs between two runs, or two machines, and says nothing."""
_PREFIX = re.compile(r'failed to pull and unpack image "[^"]*": ')
MAX_WORDS = 400
"""Of either side in a line; only lists of errors are longer."""


def play(names: Sequence[str] = ()) -> list[Outcome]:
    """Play scenes in a world of their own.

    Raises:
        RuntimeError: That could not be done.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "outcomes.json")
        logs = Path(folder, "logs")
        inside = [sys.executable, "-m", "tests.truth.play", str(path), *names]
        command = [sys.executable, "-m", "tests.cluster", "run", "--level", "node", "--publicly-trusted"]
        ran = subprocess.run(
            [*command, "--logs", str(logs), "--", *inside], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False
        )
        if ran.returncode:
            raise RuntimeError(f"the scenes could not be played: exit code {ran.returncode}\n{ran.stderr}")
        return [Outcome.from_json(document) for document in json.loads(path.read_text())]


def render(scenes: Sequence[Scene], outcomes: Sequence[Outcome]) -> str:
    """Write the report."""
    played = list(zip(scenes, outcomes, strict=True))
    lines = [*_head(len(played)), *_matrix(outcomes), *_reasons(played), "## The scenes", ""]
    for group, members in groupby(played, key=lambda one: one[0].group):
        lines += [
            f"### {group}",
            "",
            "| scene | node | pullcheck | the node's words | our words |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(scene, outcome) for scene, outcome in members]
        lines += [""]
    return "\n".join([*lines, *_logins(played)])


def _head(count: int) -> list[str]:
    return [
        "# Are the verdicts true?",
        "",
        "This file is written by `python -m tests.truth.report`, and a test fails where a run would give another.",
        f"{count} scenes, each a workload in plain YAML (`python -m tests.truth.scenes NAME` prints one), applied",
        "twice: for real where nobody guards, so that a kubelet and containerd pull or fail; and as a dry run where",
        "pullcheck enforces. The registries stand in for real ones, with names, addresses, certificates and manners of",
        "their own; they write down who asks what. The node pulls when it gets every image that the workload names.",
        "",
        "The dry run is made twice, by one tenant and then by another with secrets of its own that hold the same,",
        "while the webhook remembers what it may. The other one must be told the same, word for word, and the",
        "registries may only see less: each login that goes out for it went out for the first one, to the same host,",
        "in the same order. A run in which that is not so fails. A registry that fails, or asks to be left alone, is",
        "the scene's own, and named like it, where others would be held back too.",
        "",
    ]


def _matrix(outcomes: Sequence[Outcome]) -> list[str]:
    counted = judge.matrix(outcomes)
    rows = [
        f"| {words} | " + " | ".join(str(counted[has_pulled, decision]) for decision in DECISIONS) + " |"
        for has_pulled, words in ((True, "the node pulls"), (False, "the node fails"))
    ]
    same = sum(judge.has_same_offers(outcome) for outcome in outcomes)
    spared = sum(judge.is_spared(outcome) for outcome in outcomes)
    return [
        "## The matrix",
        "",
        "| | we allow | we warn | we deny |",
        "|---|---|---|---|",
        *rows,
        "",
        "Where the node pulls and we deny, that is a bug, always. Where it fails and we say nothing, or pulls and we",
        "warn, the scene gives the reason why that cannot be known.",
        "",
        f"In {same} of {len(outcomes)} scenes the registries saw the same logins from both, in the same order; for the",
        "others, too, the scene says why.",
        "",
        f"In {spared} of {len(outcomes)} scenes memory spared the registries something of what the other tenant asked.",
        "",
    ]


def _reasons(played: Sequence[tuple[Scene, Outcome]]) -> Iterator[str]:
    kinds = (
        ("Where the node fails and we say nothing", [(scene.silence, scene.name) for scene, _ in played]),
        ("Where the node pulls and we warn", [(scene.doubt, scene.name) for scene, _ in played]),
        ("Where the node fails and the pod runs all the same", [(scene.spared, scene.name) for scene, _ in played]),
    )
    for title, reasons in kinds:
        yield from (f"## {title}", "", "| because | scenes |", "|---|---|")
        for reason in dict.fromkeys(reason for reason, _ in reasons if reason):
            yield f"| {reason} | {', '.join(name for because, name in reasons if because == reason)} |"
        yield ""


def _row(scene: Scene, outcome: Outcome) -> str:
    node = "pulls" if outcome.has_pulled else "fails"
    ours = " ⏎ ".join(outcome.words)
    cells = (f"**{scene.name}**: {scene.title}", node, outcome.decision, outcome.node_words, ours)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _logins(played: Sequence[tuple[Scene, Outcome]]) -> Iterator[str]:
    yield from ("## Who was offered which login", "")
    yield from (
        "As the registries saw it: each login at each host once, in order. `nobody` is a request without one.",
        "",
    )
    yield from ("| scene | node | webhook | why they differ |", "|---|---|---|---|")
    for scene, outcome in played:
        node, ours = (_listed(offers(side)) for side in (outcome.node_requests, outcome.requests))
        yield f"| {scene.name} | {node} | {'the same' if node == ours else ours} | {scene.differs} |"
    yield ""


def _listed(found: Sequence[judge.Offer]) -> str:
    return "; ".join(map(str, found)) or "nobody was asked"


def _cell(text: str) -> str:
    """One line of a table's cell, without what differs between runs."""
    for pattern, words in _PASSING:
        text = pattern.sub(words, text)
    text = _PREFIX.sub("", text).replace("\n", " ⏎ ").replace("|", "\\|").replace("<", "&lt;").strip()
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"


def find_random_cases(text: str) -> str:
    """Find the last section of a report; empty where it has none."""
    _, title, section = text.partition(RANDOM_CASES)
    return f"\n{title}{section}" if title else ""


def main() -> int:
    """Play everything, and write or compare the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="SCENE", help="play these, and print what came of them"
    )
    options = parser.parse_args()
    if obstacle := levels.find_obstacle("node"):
        print(f"truth: {obstacle}", file=sys.stderr)
        return NOT_RUN
    scenes = [scene for scene in table() if scene.name in options.only or not options.only]
    try:
        outcomes = play(options.only)
    except RuntimeError as error:
        print(f"truth: {error}", file=sys.stderr)
        return NOT_RUN
    faults = judge.find_faults(scenes, outcomes)
    for name, fault in faults.items():
        print(f"truth: {name}: {fault}", file=sys.stderr)
    text = render(scenes, outcomes)
    if options.only:
        print(text)
        return 1 if faults else 0
    return 1 if faults or not _settle(text, is_check=options.check) else 0


def _settle(text: str, *, is_check: bool) -> bool:
    """Write the report, or say whether it is what stands there."""
    old = REPORT.read_text() if REPORT.exists() else ""
    new = text + find_random_cases(old)
    if not is_check:
        REPORT.write_text(new)
    elif new != old:
        print(f"truth: {REPORT.relative_to(ROOT)} is not what this run gives", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
