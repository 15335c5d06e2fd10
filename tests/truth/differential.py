"""Plays random cases against the kubelet's own code: `python -m tests.truth.differential --cases 1000000`.

With `--record` what came of it is the last section of docs/truth.md; a seed makes it the same each time.
"""

import argparse
import base64
import itertools
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.truth import kubelet, ours
from tests.truth.cases import Case, draw_cases, write
from tests.truth.report import RANDOM_CASES, REPORT, find_random_cases
from tests.truth.shrinking import shrink
from webhook.images import reference

ROOT = Path(__file__).parents[2]
BATCH_CASES = 20_000
MAX_SHOWN_DIFFERENCES = 5
Answer = dict[str, object]


@dataclass(frozen=True)
class Difference:
    """A case that the two sides answer differently."""

    case: Case
    theirs: Answer
    ours: Answer

    def __str__(self) -> str:
        rows = (("case", self.case), ("kubelet", self.theirs), ("pullcheck", self.ours))
        return "\n".join([*(f"{name:>10}: {json.dumps(shown)}" for name, shown in rows), *self._bodies()])

    def _bodies(self) -> Iterator[str]:
        """Decode what the case has in base64."""
        secrets = self.case.get("secrets")
        for index, secret in enumerate(secrets if isinstance(secrets, list) else ()):
            for key, body in secret["data"].items():
                yield f"{key:>30} of secret {index}: {base64.b64decode(body)!r}"
        if body := self.case.get("body"):
            yield f"{'body':>10}: {base64.b64decode(str(body))!r}"


@dataclass
class Outcome:
    """What a play showed."""

    cases: int = 0
    differences: int = 0
    shown: list[Difference] = field(default_factory=list)
    """The first ones."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many answers of each kind the kubelet gave: `keyring: several credentials`."""


def play(cases: Iterable[Case]) -> Outcome:
    """Ask both sides, each in a process of its own, and compare."""
    outcome = Outcome()
    for case, theirs, own in _answered(cases):
        outcome.cases += 1
        outcome.kinds[_kind_of(case, theirs)] += 1
        if not is_same(theirs, own):
            outcome.differences += 1
            if len(outcome.shown) < MAX_SHOWN_DIFFERENCES:
                outcome.shown.append(Difference(case, theirs, own))
    return outcome


def compare(oracle: kubelet.Kubelet, case: Case) -> Difference | None:
    """Ask both sides about one case; None when they agree."""
    line = write(case)
    theirs, own = oracle.answer(line), ours.answer_line(line)
    return None if is_same(theirs, own) else Difference(case, theirs, own)


def shrunk(difference: Difference) -> Difference:
    """Give a difference that is as small as it can be made."""
    with kubelet.running() as oracle:
        smallest = shrink(difference.case, lambda case: compare(oracle, case) is not None)
        return compare(oracle, smallest) or difference


def is_same(theirs: Answer, own: Answer) -> bool:
    """Compare two answers, apart from what is random in the kubelet's and what is cleaned in ours."""
    return theirs == own or _comparable(theirs) == _comparable(own)


def _comparable(answer: Answer) -> Answer:
    """Sort the credentials that one secret has under one key, whose order is that of a Go map; clean the reasons."""
    credentials = answer.get("credentials")
    if isinstance(credentials, list):
        runs = itertools.groupby(credentials, key=lambda one: (one["secret"], one["key"]))
        return {"credentials": [one for _, run in runs for one in sorted(run, key=_login)]}
    return {name: _cleaned(value) if isinstance(value, str) else value for name, value in answer.items()}


def _login(credential: Answer) -> tuple[str, str]:
    return str(credential["username"]), str(credential["password"])


def _cleaned(text: str) -> str:
    """Cut and clean the name that a reason quotes, as ours are already."""
    beginning, _, rest = text.partition("(")
    name, end, others = rest.rpartition(")")
    if not end or not beginning.endswith("repository name "):
        return text
    return f"{beginning}({reference._shown(name)}){others}"


def _answered(cases: Iterable[Case]) -> Iterator[tuple[Case, Answer, Answer]]:
    """Put both answers beside each case; both sides work on a batch while the one before is compared."""
    remaining = iter(cases)
    waiting: list[tuple[list[Case], Future[list[Answer]], Future[list[Answer]]]] = []
    with ThreadPoolExecutor(2) as pool:
        while batch := list(itertools.islice(remaining, BATCH_CASES)):
            lines = [write(case) for case in batch]
            waiting.append((batch, pool.submit(kubelet.answer_all, lines), pool.submit(_answer_all, lines)))
            if len(waiting) > 1:
                yield from _paired(*waiting.pop(0))
        for one in waiting:
            yield from _paired(*one)


def _paired(
    batch: list[Case], theirs: "Future[list[Answer]]", own: "Future[list[Answer]]"
) -> Iterator[tuple[Case, Answer, Answer]]:
    return zip(batch, theirs.result(), own.result(), strict=True)


def _answer_all(cases: Sequence[bytes]) -> list[Answer]:
    """Give our answers to many cases, as anyone gets them."""
    command = [sys.executable, "-m", ours.__name__]
    asked = b"".join(case + b"\n" for case in cases)
    done = subprocess.run(command, cwd=ROOT, input=asked, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _kind_of(case: Case, answer: Answer) -> str:
    if isinstance(credentials := answer.get("credentials"), list):
        kind = ("no credential", "one credential", "several credentials")[min(len(credentials), 2)]
    elif "matched" in answer:
        kind = "matched" if answer["matched"] else "not matched"
    else:
        kind = next((name for name in ("error", "invalid") if name in answer), "read")
    return f"{case['op']}: {kind}"


def describe(outcome: Outcome, seed: int) -> str:
    """Write the section of the report."""
    lines = [
        RANDOM_CASES,
        "",
        f"Written by `python -m tests.truth.differential --cases {outcome.cases} --seed {seed} --record`: images,",
        "secrets and keys drawn at random, most of them near a boundary, answered by our stages and by a Go program",
        f"that calls the kubelet's packages. **{outcome.cases:,} cases, {outcome.differences:,} differences.**",
        "",
        "| what was asked, and how the kubelet answers | cases |",
        "|---|---|",
    ]
    return "\n".join([*lines, *(f"| {kind} | {amount:,} |" for kind, amount in sorted(outcome.kinds.items())), ""])


def record(section: str) -> None:
    """Put the section in the place of the old one."""
    text = REPORT.read_text()
    REPORT.write_text(f"{text.removesuffix(find_random_cases(text))}\n{section}")


def main() -> int:
    """Play random cases against the kubelet's own code and print the figure; exit 1 when there is a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.differential", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="which (default: others each time)")
    parser.add_argument("--record", action="store_true", help="write the outcome into docs/truth.md")
    options = parser.parse_args()
    if obstacle := kubelet.find_obstacle():
        print(obstacle, file=sys.stderr)
        return 2
    begin = time.monotonic()
    outcome = play(draw_cases(options.seed, options.cases))
    for kind, amount in sorted(outcome.kinds.items()):
        print(f"{amount:>10} {kind}")
    for difference in outcome.shown:
        print(shrunk(difference))
    seconds = time.monotonic() - begin
    if options.record:
        record(describe(outcome, options.seed))
    print(f"{outcome.cases} cases (seed {options.seed}), {outcome.differences} differences, {seconds:.0f} s")
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
