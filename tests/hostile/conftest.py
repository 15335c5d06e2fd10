"""A registry that means ill, and whoever waits for what it sends there."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.fakes import images
from tests.fakes.apiserver import Outcome
from tests.fakes.certificates import Authority, Pair
from tests.fakes.exchange import Request, Response
from tests.fakes.listener import Listener
from tests.fakes.registry import FakeRegistry
from tests.fakes.tokens import TokenServer
from tests.journeys.conftest import write_cluster
from tests.journeys.manifests import deployment, pull_secret
from tests.servers.hosts import send
from tests.servers.webhook import FORGETFUL, Webhook, webhook

REGISTRY = "registry.example.com"
MIRRORED = "mirrored.example.com"
PLAIN = "plain.example.com"
IMAGE = "team/app:1"
CANARY = "canary-7c1e-the-password"
USERNAME = "team"
NAMES = ("registry.example.com", "auth.example.com", "registry.example.com.attacker.test", "evilexample.com")
"""The registry, a host of its domain, and two that only look like it."""


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("authority")).issue("127.0.0.1", "127.0.0.2", "localhost", "::1", *NAMES)


class Thief(Listener):
    """Takes whatever comes: it challenges for Basic, issues tokens, and has every image once it is given a login."""

    def __init__(self, pair: Pair | None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(self._take, tls=pair.server_context() if pair else None, host=host, port=port)
        self._manifest = images.index().manifest

    def _take(self, request: Request) -> Response:
        if "/manifests/" not in request.path:
            return Response.of_json(200, {"token": "from-the-thief", "access_token": "from-the-thief"})
        if request.authorization_kind == "none":
            return Response.of_error(401, "UNAUTHORIZED", "", None, ("Www-Authenticate", 'Basic realm="mine"'))
        headers = (("Content-Type", self._manifest.media_type), ("Docker-Content-Digest", self._manifest.digest))
        return Response(200, headers, self._manifest.body)


@dataclass(frozen=True, slots=True)
class Den:
    """The registry that the credential is for, and the places where it must not arrive."""

    registry: FakeRegistry
    secure: Thief
    """Another port of the registry's address."""
    neighbour: Thief
    """The registry's port, at another address."""
    plain: Thief
    """Without TLS."""

    @property
    def thieves(self) -> tuple[Thief, ...]:
        return self.secure, self.neighbour, self.plain

    def stolen(self) -> list[Request]:
        """Requests at the thieves' with the canary, or with any login or token at all."""
        requests = [request for thief in self.thieves for request in list(thief.requests)]
        return [request for request in requests if request.carries(CANARY) or request.authorization_kind != "none"]


@pytest.fixture(scope="session")
def den_servers(pair: Pair) -> Iterator[Den]:
    tokens = TokenServer(accounts={USERNAME: CANARY}, is_anonymous=False)
    with ExitStack() as stack:
        registry = stack.enter_context(FakeRegistry(tls=pair.server_context(), tokens=tokens))
        yield Den(
            registry,
            stack.enter_context(Thief(pair)),
            stack.enter_context(Thief(pair, "127.0.0.2", registry.port)),
            stack.enter_context(Thief(None)),
        )


@pytest.fixture
def den(den_servers: Den) -> Den:
    """The den, with nothing stolen yet and an honest registry."""
    for server in (den_servers.registry, *den_servers.thieves):
        server.requests.clear()
        server.answered.clear()
        server.faults.clear()
    den_servers.registry.challenges = None
    assert den_servers.registry.tokens is not None
    den_servers.registry.tokens.post_status = 200
    return den_servers


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, den_servers: Den, pair: Pair) -> Iterator[Webhook]:
    """A webhook for which the registry's name leads to the den by hosts.toml, and loopback is allowed."""
    folder = tmp_path_factory.mktemp("guarded")
    names = (REGISTRY, MIRRORED, PLAIN, den_servers.secure.address, den_servers.plain.address)
    hosts = send(folder / "certs.d", REGISTRY, den_servers.registry.url, pair.authority)
    send(hosts, PLAIN, den_servers.plain.url)
    mirror = f'\n[host."{den_servers.secure.url}"]\nca = "{pair.authority}"\n'
    place = send(hosts, MIRRORED, den_servers.registry.url, pair.authority) / MIRRORED / "hosts.toml"
    place.write_text(place.read_text() + mirror)
    login = pull_secret("canary", dict.fromkeys(names, (USERNAME, CANARY)))
    settings = {
        "cluster": write_cluster(folder / "cluster", login),
        "memory": FORGETFUL,
        "network": {"loopback": True, "ca_files": [str(pair.authority)]},
        "nodes": {"hosts_directory": str(hosts)},
    }
    with webhook(folder, pair, settings) as running:
        yield running


def apply(running: Webhook, image: str) -> Outcome:
    return running.api_server.create(deployment(image, secrets=["canary"]))


def bearer(realm: str, more: str = "") -> list[str]:
    return [f'Bearer realm="{realm}",service="registry.test",scope="repository:team/app:pull"{more}']
