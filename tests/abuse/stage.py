"""The real webhook in a cage, its registries, and somebody who calls it all the time, each a process or thread."""

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.abuse.abuses import Abuse, EndlessRegistry, Target, review
from tests.abuse.cage import Cage, cage
from tests.abuse.honest import IMAGE
from tests.abuse.memory import Memory
from tests.abuse.steady import TIMEOUT_SECONDS, Answered
from tests.fakes.certificates import Authority, Pair
from tests.servers.processors import CALLED_FROM, SERVED_BY, on_processor, step_back
from tests.servers.webhook import CHECKOUT, Webhook, webhook

FILES = 20_000
"""For 10,000 connections, those that come after them, and everything else that the tests have open."""
RATE = 40.0
"""Real reviews a second; more would measure how two processors are shared."""
REAL = "real"
"""The namespace of real reviews."""
WARM_SECONDS = 2.0
"""Until the first answers, which import and connect, are of the past."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an abuse did."""

    peak_mib: float
    quiet: list[Answered]
    """Real reviews before it."""
    during: list[Answered]

    @property
    def faults(self) -> list[str]:
        """Why real reviews were not answered, in all of it."""
        return [answered.fault for answered in (*self.quiet, *self.during) if answered.fault]

    @property
    def lost(self) -> int:
        """How many real reviews were not judged, or too late for the API server."""
        every = (*self.quiet, *self.during)
        return sum(not answered.is_judged or answered.seconds > TIMEOUT_SECONDS for answered in every)

    @property
    def ratio(self) -> float:
        """Of the p99 of real reviews with the abuse to that without."""
        return p99(self.during) / p99(self.quiet)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    webhook: Webhook
    cage: Cage
    memory: Memory
    target: Target
    answers: Path
    """Of the real reviews, a line each."""
    abusers: ThreadPoolExecutor
    """Where abuses are begun: whoever they want to harm does not wait for them on this side as well."""

    def play(self, abuse: Abuse, *, seconds: float, rounds: int = 1) -> Outcome:
        """Let an abuse go on for so long, after as long without, so many times."""
        quiet, during, peaks = [], [], []
        for _ in range(rounds):
            begun_at = time.monotonic()
            time.sleep(seconds)
            abused_at = time.monotonic()
            self.memory.forget_peak()
            self.abusers.submit(abuse, self.target, abused_at + seconds).result()
            ended_at = time.monotonic()
            peaks.append(self.memory.peak_mib())
            time.sleep(WARM_SECONDS / 4)
            quiet += self._between(begun_at, abused_at)
            during += self._between(abused_at, ended_at)
        return Outcome(max(peaks), quiet, during)

    def slowest_seconds(self) -> float:
        """Of the real reviews, by the webhook's own clock."""
        events = self.webhook.events("review")
        return max(float(str(event["duration_seconds"])) for event in events if event.get("namespace") == REAL)

    def _between(self, begin: float, end: float) -> list[Answered]:
        lines = self.answers.read_text().splitlines()
        answers = [Answered(**json.loads(line)) for line in lines if line.endswith("}")]
        return [answered for answered in answers if begin <= answered.sent_at < end]


def p99(answers: list[Answered]) -> float:
    """The time within which 99 of 100 were answered, in seconds."""
    ordered = sorted(answered.seconds for answered in answers)
    return ordered[int(0.99 * (len(ordered) - 1))]


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Build it; the webhook is warm when it is handed out."""
    _allow_files()
    pair = Authority(folder).issue("127.0.0.1", "localhost")
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(cage(folder))
        with on_processor(SERVED_BY):
            running = stack.enter_context(webhook(folder / "webhook", pair, _settings(pair), launcher=made.launcher))
        stack.enter_context(on_processor(CALLED_FROM))
        registry = stack.enter_context(_honest_registry(pair))
        real = review(f"{registry}/{IMAGE}", namespace=REAL)
        answers = stack.enter_context(_calling(folder, running.address, pair, real))
        abusers = stack.enter_context(ThreadPoolExecutor(1, initializer=step_back))
        endless = EndlessRegistry(tls=pair.server_context())
        abusers.submit(stack.enter_context, endless).result()
        host, _, port = running.address.rpartition(":")
        target = Target((host, int(port)), pair.client_context(), registry, endless.address)
        time.sleep(WARM_SECONDS)
        yield Stage(running, made, Memory(made.process), target, answers, abusers)


def _settings(pair: Pair) -> dict[str, object]:
    return {"cluster": "none", "network": {"loopback": True, "ca_files": [str(pair.authority)]}}


@contextlib.contextmanager
def _honest_registry(pair: Pair) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.abuse.honest", str(pair.certificate), str(pair.key)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@contextlib.contextmanager
def _calling(folder: Path, address: str, pair: Pair, body: bytes) -> Iterator[Path]:
    answers = folder / "answers"
    command = [sys.executable, "-m", "tests.abuse.steady", address, str(pair.authority), str(RATE)]
    with (
        answers.open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, cwd=CHECKOUT) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(body)
        process.stdin.close()
        try:
            yield answers
        finally:
            process.kill()


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
