"""The faults that the chosen tests want, played side by side against one real process when the first is asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.apiserver import Manifest
from tests.fakes.certificates import Authority, Pair
from tests.faults import cases, clusters, secrets
from tests.faults.apiserver import ClusterServer
from tests.faults.cases import Case
from tests.faults.fault import Fault
from tests.faults.playing import Played, play_all
from tests.faults.proxy import FailingProxy
from tests.faults.registry import closed_port
from tests.faults.stage import Stage, stage
from tests.faults.table import DENIED, FAULTS
from tests.servers.webhook import Webhook


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The webhook's own."""
    return Authority(tmp_path_factory.mktemp("authority")).issue("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Show:
    """What came of every case, and how the metrics moved meanwhile."""

    plays: dict[Case, Played]
    before: dict[str, float]
    after: dict[str, float]


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for registries that fail, below a healthy cluster."""
    with stage(tmp_path_factory.mktemp("registries")) as built:
        yield built


@pytest.fixture(scope="session")
def show(request: pytest.FixtureRequest, scene: Stage, pair: Pair) -> Show:
    """Every fault that a chosen test names, played in every way."""
    faults = _chosen(request.session)
    scene.build(faults)
    proxy = scene.stack.enter_context(FailingProxy())
    # The API server is read without it, as wherever there is a proxy.
    environ = {"HTTPS_PROXY": f"http://{proxy.address}", "NO_PROXY": "127.0.0.1,.faults.test"}
    running = scene.run(pair, scene.serve_cluster().url, environ)
    before = running.metrics()
    plays = play_all(running, (case for fault in faults for case in cases.of(fault.name)))
    return Show(plays, before, running.metrics())


@dataclass(frozen=True, slots=True)
class Ailing:
    """A webhook whose cluster fails, each time as the namespace says, above registries that do not."""

    running: Webhook
    cluster: ClusterServer
    show: Show

    def put_secret(self, name: str, document: Manifest | None) -> None:
        """Have a pull secret in the namespaces of a name; None: have none."""
        self.cluster.secrets[name] = document


HONEST = Fault(name="honest", row="API server")
SOUND = "sound"
"""A name without an ailment."""
LATER = tuple(f"later-{name}" for name in secrets.ODD)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage with one honest registry, which all names lead to."""
    with stage(tmp_path_factory.mktemp("clusters")) as built:
        built.build([HONEST])
        for name in (*clusters.REASONS, *secrets.ODD, *LATER, SOUND):
            built.lead(name, HONEST.name)
        yield built


@pytest.fixture(scope="session")
def ailing(clinic: Stage, pair: Pair) -> Ailing:
    """Every ailment that is over at once, and every secret, played in every way."""
    acts = {name: act for name, (act, _) in clusters.QUICK.items()}
    cluster = clinic.serve_cluster(acts, {name: odd.document for name, odd in secrets.ODD.items()})
    return _treat(clinic.run(pair, cluster.url), cluster, [*clusters.QUICK, *secrets.ODD])


@pytest.fixture(scope="session")
def lingering(clinic: Stage, pair: Pair) -> Ailing:
    """Every ailment that holds up a thread, played in every way."""
    cluster = clinic.serve_cluster({name: act for name, (act, _) in clusters.SLOW.items()})
    return _treat(clinic.run(pair, cluster.url), cluster, clusters.SLOW)


def _treat(running: Webhook, cluster: ClusterServer, names: Iterable[str]) -> Ailing:
    before = running.metrics()
    plays = play_all(running, (case for name in names for case in cases.of(name)))
    return Ailing(running, cluster, Show(plays, before, running.metrics()))


@pytest.fixture(scope="session")
def cut_off(clinic: Stage, pair: Pair) -> dict[Case, Played]:
    """What came of every way where nobody listens at the API server's address."""
    port = clinic.stack.enter_context(closed_port())
    return play_all(clinic.run(pair, f"https://127.0.0.1:{port}"), cases.of(clusters.REFUSED))


def _chosen(session: pytest.Session) -> list[Fault]:
    specs = (item.callspec for item in session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec"))
    faults = (spec.params.get("fault") for spec in specs)
    known = {fault.name for fault in (*FAULTS, *DENIED)}
    return list({fault.name: fault for fault in faults if isinstance(fault, Fault) and fault.name in known}.values())
