"""The servers of the journeys: each is started once, when the first test wants it, and ends with the last."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import images
from tests.fakes.certificates import Authority, Pair
from tests.fakes.pushing import Pusher
from tests.fakes.registry import FakeRegistry
from tests.fakes.signing import signed_by
from tests.fakes.tokens import TokenListener, TokenServer
from tests.journeys.manifests import pull_secret, service_account
from tests.servers.docker_registry import (
    BASIC,
    PASSWORD,
    USERNAME,
    DockerRegistry,
    docker_registry,
    htpasswd,
    is_installed,
    token,
)
from tests.servers.hosts import send
from tests.servers.webhook import FORGETFUL, Webhook, webhook

SERVICE = "registry.test"
TLS_NAME = "tls.registry.test"
TOKEN_NAME = "token.registry.test"
PRIVATE_NAME = "private.registry.test"
CLOUD_NAME = "cloud.registry.test"
DOWN_NAME = "down.registry.test"
DENIED_NAME = "denied.registry.test"
STORED = {
    "team/app:1": images.single("app"),
    "team/app:index": images.index("indexed"),
    "team/app:list": images.index("listed", docker=True),
    "team/app:docker": images.single("docker", docker=True),
    "team/chart:1": images.artifact(),
}


@dataclass(frozen=True, slots=True)
class RealRegistries:
    """docker-registry in each of its ways, with the same images in all of them."""

    open: DockerRegistry
    htpasswd: DockerRegistry
    tls: DockerRegistry
    token: DockerRegistry
    token_server: TokenListener


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def pair(authority: Authority) -> Pair:
    return authority.issue("127.0.0.1", "127.0.0.2", "localhost")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[RealRegistries]:
    if not is_installed():
        pytest.skip("docker-registry is not on the PATH: apt-get install docker-registry")
    folder = tmp_path_factory.mktemp("registries")
    tokens = TokenServer(
        accounts={USERNAME: PASSWORD},
        service=SERVICE,
        is_anonymous=False,
        mint=signed_by(pair, issuer="tests", service=SERVICE),
    )
    with ExitStack() as stack:
        server = stack.enter_context(TokenListener(tokens, tls=pair.server_context()))
        by_token = token(realm=f"{server.url}/token", service=SERVICE, issuer="tests", bundle=pair.authority)
        registries = RealRegistries(
            stack.enter_context(docker_registry(folder / "open")),
            stack.enter_context(docker_registry(folder / "htpasswd", auth=htpasswd(folder / "htpasswd"))),
            stack.enter_context(docker_registry(folder / "tls", pair=pair, auth=htpasswd(folder / "tls"))),
            stack.enter_context(docker_registry(folder / "token", pair=pair, auth=by_token)),
            server,
        )
        _fill(registries, tokens)
        yield registries


def _fill(registries: RealRegistries, tokens: TokenServer) -> None:
    bearer = f"Bearer {tokens.pushing('team/app', 'team/chart')}"
    for registry, authorization in (
        (registries.open, ""),
        (registries.htpasswd, BASIC),
        (registries.tls, BASIC),
        (registries.token, bearer),
    ):
        tls = registry.pair.client_context() if registry.pair else None
        for name, image in STORED.items():
            Pusher(url=registry.url, tls=tls, authorization=authorization).push(name, image)


@pytest.fixture(scope="session")
def fake(pair: Pair) -> Iterator[FakeRegistry]:
    """Our own registry, open and over TLS, for what real ones will not do."""
    with FakeRegistry(tls=pair.server_context()) as registry:
        registry.add("team/app:1", images.index())
        registry.add("team/old:1", images.schema_1())
        yield registry


@pytest.fixture
def asked(fake: FakeRegistry) -> FakeRegistry:
    """The fake with no request and no fault in it."""
    fake.forget()
    fake.faults.clear()
    return fake


def write_cluster(folder: Path, *objects: dict[str, object]) -> str:
    """Write a folder of manifests that is the cluster; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "objects.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
    return str(folder)


@pytest.fixture(scope="session")
def real_webhook(tmp_path_factory: pytest.TempPathFactory, real: RealRegistries, pair: Pair) -> Iterator[Webhook]:
    """A webhook that knows how to reach the real registries, and a cluster with pull secrets for them."""
    folder = tmp_path_factory.mktemp("real-webhook")
    good, bad = (USERNAME, PASSWORD), (USERNAME, "wrong")
    names = (real.htpasswd.address, TLS_NAME, TOKEN_NAME)
    hosts = send(folder / "certs.d", TLS_NAME, real.tls.url, pair.authority)
    send(hosts, TOKEN_NAME, real.token.url, pair.authority)
    settings = {
        "cluster": write_cluster(
            folder / "cluster",
            pull_secret("good", dict.fromkeys(names, good)),
            pull_secret("bad", dict.fromkeys(names, bad)),
            pull_secret("elsewhere", {"registry.example.org": good}),
            service_account("puller", ["good"]),
        ),
        "memory": FORGETFUL,
        "network": {"loopback": True, "realms": {TOKEN_NAME: [real.token_server.address]}},
        "nodes": {"hosts_directory": str(hosts)},
    }
    with webhook(folder, pair, settings) as running:
        yield running


@pytest.fixture(scope="session")
def private(pair: Pair) -> Iterator[FakeRegistry]:
    """Our own registry, with Basic authentication."""
    with FakeRegistry(tls=pair.server_context(), basic={USERNAME: PASSWORD}) as registry:
        registry.add("team/app:1", images.index())
        yield registry


@pytest.fixture(scope="session")
def fake_settings(tmp_path_factory: pytest.TempPathFactory, private: FakeRegistry, pair: Pair) -> dict[str, object]:
    """Settings under which our registries are reached, and every resolution can be had."""
    folder = tmp_path_factory.mktemp("fake-settings")
    with FakeRegistry() as stopped:
        closed = stopped.address
    hosts = send(folder / "certs.d", PRIVATE_NAME, private.url, pair.authority)
    send(hosts, CLOUD_NAME, private.url, pair.authority)
    send(hosts, DOWN_NAME, f"https://{closed}")
    logins = [
        pull_secret("good", {PRIVATE_NAME: (USERNAME, PASSWORD)}),
        pull_secret("bad", {PRIVATE_NAME: (USERNAME, "a-wrong-password")}),
    ]
    return {
        "cluster": write_cluster(folder / "cluster", *logins, service_account("puller", ["good"])),
        "memory": FORGETFUL,
        # The fake's delays shall be waited for.
        "network": {"loopback": True, "denied_hosts": [DENIED_NAME], "response_timeout": "5s"},
        "nodes": {"hosts_directory": str(hosts), "authenticated": [CLOUD_NAME]},
        "workloads": [{"group": "argoproj.io", "kind": "Rollout", "pod_spec": "spec.pods.spec"}],
    }


@pytest.fixture(scope="session")
def fake_webhook(
    tmp_path_factory: pytest.TempPathFactory, fake_settings: dict[str, object], pair: Pair
) -> Iterator[Webhook]:
    with webhook(tmp_path_factory.mktemp("fake-webhook"), pair, fake_settings) as running:
        yield running
