"""A registry that asks to be left alone is; one that dies is a quick warning, and once it is back it is asked again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.certificates import Pair
from tests.fakes.exchange import Response
from tests.faults import acts, cases
from tests.faults.cases import WAYS, Case, Way
from tests.faults.conftest import HONEST
from tests.faults.fault import Fault, manifests
from tests.faults.playing import Played, play
from tests.faults.registry import FaultyRegistry
from tests.faults.stage import Stage, stage
from tests.servers.webhook import Webhook

OPEN = [way for way in WAYS if way.login == "no secret"]
ASKING_FOR_PEACE = tuple(
    Fault(name=name, row="429", when=manifests, act=acts.replying(Response(429, (("Retry-After", pause),))))
    for name, pause in {"seconds": "30", "date": "Fri, 31 Dec 2100 23:59:59 GMT", "forever": "1000000000"}.items()
)
DEAD_REVIEWS = 8
"""More than the failures in a row after which a registry is left alone."""
QUICK_SECONDS = 0.5
BACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Calm:
    """A webhook, and the registries that it asks, each at one address."""

    running: Webhook
    stage: Stage

    def play(self, fault: str, way: Way, number: int = 0) -> Played:
        """Have an image of the registry at the first address judged, in a namespace of its own."""
        image = Case(fault, OPEN[0]).image().partition("/")[0] + "/" + way.path
        return play(self.running, cases.asked(way, f"{fault}-{number}-{way.number}", image))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Calm]:
    with stage(tmp_path_factory.mktemp("patience")) as built:
        built.build([HONEST, *ASKING_FOR_PEACE])
        yield Calm(built.run(pair, built.serve_cluster().url), built)


@pytest.mark.parametrize("fault", ASKING_FOR_PEACE, ids=str)
def test_who_asked_to_be_left_alone_is(calm: Calm, fault: Fault) -> None:
    registry = calm.stage.registries[fault.name]
    plays = [calm.play(fault.name, way) for way in OPEN]
    assert [(played.outcome.decision, played.resolutions) for played in plays] == [("warn", ["Unavailable"])] * len(
        OPEN
    )
    assert ["too many requests" in played.outcome.warnings[0] for played in plays] == [True] * len(OPEN)
    assert len(registry.requests) == 1


def test_a_registry_that_dies_is_a_quick_warning_and_right_again_soon_after_it_is_back(calm: Calm) -> None:
    registry = calm.stage.registries[HONEST.name]
    assert calm.play(HONEST.name, OPEN[0]).outcome.decision == "allow"
    registry.stop()
    dead = [calm.play(HONEST.name, OPEN[1], number) for number in range(DEAD_REVIEWS)]
    assert [(played.outcome.decision, played.resolutions) for played in dead] == [("warn", ["Unavailable"])] * len(dead)
    assert dead[-1].seconds < QUICK_SECONDS
    assert "pullcheck_breaker_open" in "".join(calm.running.metrics())
    with FaultyRegistry(HONEST, calm.stage.certificates.context("good"), registry.port):
        back_at = time.monotonic()
        while calm.play(HONEST.name, OPEN[2]).outcome.decision != "allow":
            assert time.monotonic() - back_at < BACK_SECONDS
            time.sleep(0.1)
