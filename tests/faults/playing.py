"""Plays cases against a webhook, many at once, and keeps what came of each."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.fakes.apiserver import Manifest, Outcome
from tests.faults.cases import Case
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook

TIMEOUT_SECONDS = 5
"""What the API server says in `?timeout=`, as the webhook configuration of manifests/ has it."""
AT_ONCE = 24
"""Reviews in flight: enough for hundreds of slow faults to be over soon, and few enough for two cores."""
_IMAGES = "pullcheck_images_total"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a review."""

    outcome: Outcome
    seconds: float
    """From before the connection to the whole answer, as the API server waits for it."""

    @property
    def resolutions(self) -> list[str]:
        return resolutions(self.outcome)


def play(running: Webhook, asked: Manifest, *, timeout: str = f"{TIMEOUT_SECONDS}s") -> Played:
    """Have one review answered."""
    begun = time.monotonic()
    outcome = running.api_server.ask(asked, timeout=timeout)
    return Played(outcome, time.monotonic() - begun)


def play_all(
    running: Webhook, cases: Iterable[Case], port: int | None = None, at_once: int = AT_ONCE
) -> dict[Case, Played]:
    """Have the reviews of many cases answered side by side, the slow ones among the quick ones.

    The registries' names are followed by the port, if there is one.
    """
    wanted = sorted(cases, key=lambda case: case.way.number)
    with ThreadPoolExecutor(at_once) as threads:
        return dict(zip(wanted, threads.map(lambda case: play(running, case.review(port)), wanted), strict=True))


def play_beside(running: Webhook, asked: Sequence[Manifest], timeout: str) -> list[Played]:
    """Have reviews answered all at once."""
    with ThreadPoolExecutor(len(asked)) as threads:
        return list(threads.map(lambda one: play(running, one, timeout=timeout), asked))


def counted(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    """How many images were counted by each resolution between two looks at the metrics."""
    names = {name.partition('resolution="')[2].rstrip('"}'): name for name in after if name.startswith(_IMAGES + "{")}
    moved = {resolution: int(after[name] - before.get(name, 0)) for resolution, name in names.items()}
    return {resolution: count for resolution, count in moved.items() if count}


def answered(plays: Iterable[Played]) -> dict[str, int]:
    """How many images were answered by each resolution."""
    return dict(Counter(resolution for played in plays for resolution in played.resolutions))
