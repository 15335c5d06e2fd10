"""Whatever the name server does: nothing is denied, nothing passes in silence, in time."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.certificates import Pair
from tests.faults import cases, resolver
from tests.faults.apiserver import secret
from tests.faults.cases import KINDS, Case, Form, Kind, Login, Way, in_every_way
from tests.faults.conftest import HONEST
from tests.faults.playing import TIMEOUT_SECONDS, Played, answered, counted, play, play_all
from tests.faults.resolver import WAYS
from tests.faults.stage import stage
from tests.servers.webhook import Webhook

TOLD = [name for name, (_, cause) in WAYS.items() if cause]
OVERCOME = [name for name, (_, cause) in WAYS.items() if not cause]


@dataclass(frozen=True, slots=True)
class Lost:
    """A webhook that asks the failing name server, and what came of every name."""

    running: Webhook
    port: int
    plays: dict[Case, Played]


@pytest.fixture(scope="session")
def lost(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Lost]:
    if obstacle := resolver.find_obstacle():
        pytest.skip(obstacle)
    wanted = [case for name in WAYS for case in cases.of(name)]
    folder = tmp_path_factory.mktemp("names")
    with stage(folder, *(case.registry for case in wanted)) as built, resolver.resolver() as server:
        built.build([HONEST])
        port = built.ports[HONEST.name]
        launcher = resolver.launcher(folder, server.address)
        cluster = built.serve_cluster(secrets=dict.fromkeys(WAYS, secret("any", f":{port}")))
        running = built.run(pair, cluster.url, launcher=launcher)
        before = running.metrics()
        plays = play_all(running, wanted, port=port)
        assert counted(before, running.metrics()) == answered(plays.values())
        yield Lost(running, port, plays)


@in_every_way
@pytest.mark.parametrize("name", TOLD)
def test_a_name_that_leads_nowhere_denies_nothing_and_is_told(
    lost: Lost, *, name: str, form: Form, login: Login, kind: Kind
) -> None:
    case = Case(name, Way(form, login, kind))
    played = lost.plays[case]
    assert (played.outcome.decision, played.resolutions) == ("warn", ["Unavailable"]), played.outcome.text
    (warning,) = played.outcome.warnings
    assert case.registry in warning
    assert WAYS[name][1] in warning
    assert played.seconds < TIMEOUT_SECONDS


@in_every_way
@pytest.mark.parametrize("name", OVERCOME)
def test_a_name_that_is_found_in_time_is_asked(lost: Lost, *, name: str, form: Form, login: Login, kind: Kind) -> None:
    played = lost.plays[Case(name, Way(form, login, kind))]
    assert (played.outcome.decision, played.resolutions) == ("allow", ["Resolved"]), played.outcome.text
    assert played.seconds < TIMEOUT_SECONDS


@pytest.mark.parametrize("kind", KINDS)
def test_beside_a_name_that_hangs_the_others_keep_their_verdict(lost: Lost, kind: Kind) -> None:
    way = Way("tag", "no secret", kind)
    names = ["dns-sound", "dns-silence", "dns-unknown"]
    images = [Case(name, way).image(lost.port) for name in names]
    played = play(lost.running, cases.asked(way, f"beside-{way.number}", *images), timeout="2s")
    assert played.seconds < 2
    assert played.resolutions == ["Resolved", "Unavailable", "Unavailable"]
    assert ["dns-silence" in played.outcome.warnings[0], resolver.UNKNOWN in played.outcome.warnings[1]] == [True, True]
