"""The deadline: by then there is an answer, what is settled keeps its verdict, and the rest is Unavailable."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from tests.fakes.apiserver import Manifest
from tests.fakes.certificates import Pair
from tests.faults import acts, cases, clusters
from tests.faults.apiserver import ClusterServer
from tests.faults.cases import KINDS, Case, Way
from tests.faults.conftest import HONEST, Ailing
from tests.faults.fault import Fault, logged_in, manifests, tokens
from tests.faults.playing import play_beside
from tests.faults.stage import stage
from tests.servers.webhook import Webhook

TIMEOUT, TIMEOUT_SECONDS = "2s", 2.0
"""Less than a silent registry may take by itself: it is the deadline that ends the review."""
JUST_IN_TIME_SECONDS = 0.7
LATE = "did not answer in time"
SETTLED = (
    HONEST,
    Fault(name="just-in-time", row="registry hangs or drips", when=logged_in, act=acts.late(JUST_IN_TIME_SECONDS)),
)
HANGING = (
    Fault(name="drips", row="registry hangs or drips", when=logged_in, act=acts.dripping()),
    Fault(name="never-answers", row="registry hangs or drips", when=manifests, act=acts.stalling()),
    Fault(name="never-shakes-hands", row="registry hangs or drips", speech=acts.say_nothing),
    Fault(name="token-never-comes", row="token server", when=tokens, act=acts.stalling()),
)
ABSENT = Fault(name="absent", row="registry hangs or drips", is_present=False)
METRIC = "pullcheck_deadline_exceeded_total"


@dataclass(frozen=True, slots=True)
class Hurried:
    """A webhook with little time."""

    running: Webhook
    cluster: ClusterServer

    def asked(self, name: str, way: Way, *faults: Fault) -> Manifest:
        """A review of images that meet these faults, in a namespace of its own."""
        namespace = f"{name}-{faults[-1]}-{way.number}"
        return cases.asked(way, namespace, *(Case(fault.name, way).image() for fault in faults))

    def exceeded(self) -> float:
        return self.running.metrics()[METRIC]


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Hurried]:
    with stage(tmp_path_factory.mktemp("deadlines")) as built:
        built.build([*SETTLED, *HANGING, ABSENT])
        cluster = built.serve_cluster()
        yield Hurried(built.run(pair, cluster.url), cluster)


PLAYS = tuple(product(HANGING, KINDS))


def test_what_is_settled_keeps_its_verdict_and_the_rest_is_unavailable(hurried: Hurried) -> None:
    before = hurried.exceeded()
    ways = [(hanging, Way("tag", "pod secret", kind)) for hanging, kind in PLAYS]
    asked = [hurried.asked("settled", way, *SETTLED, hanging) for hanging, way in ways]
    for (hanging, way), played in zip(ways, play_beside(hurried.running, asked, TIMEOUT), strict=True):
        assert played.seconds < TIMEOUT_SECONDS
        assert (played.outcome.decision, played.resolutions) == ("warn", ["Resolved", "Resolved", "Unavailable"])
        (warning,) = played.outcome.warnings
        assert Case(hanging.name, way).registry in warning
        assert LATE in warning
    assert hurried.exceeded() == before + len(PLAYS)


def test_what_is_missing_is_denied_though_another_image_hangs(hurried: Hurried) -> None:
    """Also the second time, when the service account is known from the first: it is read again in time."""
    ways = [(hanging, Way("digest", "no secret", kind)) for hanging, kind in PLAYS]
    asked = [hurried.asked("missing", way, ABSENT, hanging) for hanging, way in ways]
    for _ in range(2):
        for (hanging, _), played in zip(ways, play_beside(hurried.running, asked, TIMEOUT), strict=True):
            assert played.seconds < TIMEOUT_SECONDS
            assert (played.outcome.decision, played.resolutions) == ("deny", ["Missing", "Unavailable"])
            assert ABSENT.name in played.outcome.message
            assert hanging.name not in played.outcome.message
            assert LATE in played.outcome.warnings[0]


def test_what_a_node_has_is_not_denied_though_another_image_hangs(hurried: Hurried) -> None:
    """The nodes are asked before a denial, and there is time for it."""
    ways = [(hanging, Way("tag", "no secret", kind)) for hanging, kind in PLAYS]
    hurried.cluster.on_node += [Case(ABSENT.name, way).image() for _, way in ways]
    asked = [hurried.asked("on-node", way, ABSENT, hanging) for hanging, way in ways]
    for played in play_beside(hurried.running, asked, TIMEOUT):
        assert played.seconds < TIMEOUT_SECONDS
        assert (played.outcome.decision, played.resolutions) == ("warn", ["Missing", "Unavailable"])
        assert "a node reports" in played.outcome.warnings[0]


def test_all_that_hangs_is_told_at_once(hurried: Hurried) -> None:
    asked = [hurried.asked("all", Way("digest", "account secret", kind), *HANGING) for kind in KINDS]
    for played in play_beside(hurried.running, asked, TIMEOUT):
        assert played.seconds < TIMEOUT_SECONDS
        assert (played.outcome.decision, played.resolutions) == ("warn", ["Unavailable"] * len(HANGING))
        assert [LATE in warning for warning in played.outcome.warnings] == [True] * len(HANGING)


def test_a_cluster_that_hangs_leaves_time_to_ask_the_registries(lingering: Ailing) -> None:
    open_way, way = Way("digest", "no secret", "Deployment"), Way("tag", "account secret", "Deployment")
    found, refused, invalid = Case(HONEST.name, open_way).image(), Case(HONEST.name, way).image(), "Not/A-Reference:1"
    asked = [cases.asked(way, f"{ailment}-{way.number}", found, refused, invalid) for ailment in clusters.SLOW]
    for played in play_beside(lingering.running, asked, TIMEOUT):
        assert played.seconds < TIMEOUT_SECONDS
        assert (played.outcome.decision, played.resolutions) == ("deny", ["Resolved", "Refused", "Invalid"])
        assert invalid in played.outcome.message
        assert refused not in played.outcome.message
        assert f'"{cases.ACCOUNT}" could not be read' in "\n".join(played.outcome.warnings)
