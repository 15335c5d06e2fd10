"""What memory spares a registry, counted at the registry's own process; and a thousand reviews at once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.certificates import Pair
from tests.journeys.conftest import TLS_NAME, TOKEN_NAME, RealRegistries, write_cluster
from tests.journeys.manifests import NAMESPACE, deployment, pull_secret
from tests.journeys.outcomes import resolutions
from tests.journeys.test_registries import Asked
from tests.servers.docker_registry import PASSWORD, USERNAME
from tests.servers.hosts import send
from tests.servers.webhook import Webhook, webhook

LIFETIME_SECONDS = 11
"""Of a short-lived token, which is used for a second: in its last ten it is not."""
USED_SECONDS = 1.1
HEAD, CHALLENGED, TOKEN = ("HEAD", 200), ("HEAD", 401), ("POST", 200)


@pytest.fixture
def remembering(tmp_path: Path, real: RealRegistries, pair: Pair) -> Iterator[Webhook]:
    """A webhook that knows nothing yet, with the default memory."""
    login, names = (USERNAME, PASSWORD), (real.htpasswd.address, TLS_NAME, TOKEN_NAME)
    hosts = send(tmp_path / "certs.d", TLS_NAME, real.tls.url, pair.authority)
    send(hosts, TOKEN_NAME, real.token.url, pair.authority)
    namespaces = (NAMESPACE, "other")
    secrets = [pull_secret("good", dict.fromkeys(names, login), namespace=name) for name in namespaces]
    settings = {
        "cluster": write_cluster(tmp_path / "cluster", *secrets),
        "network": {"loopback": True, "realms": {TOKEN_NAME: [real.token_server.address]}},
        "nodes": {"hosts_directory": str(hosts)},
    }
    with webhook(tmp_path, pair, settings) as running:
        yield running


@pytest.fixture
def short_lived_tokens(real: RealRegistries) -> Iterator[None]:
    tokens = real.token_server.tokens
    usual, tokens.lifetime_seconds = tokens.lifetime_seconds, LIFETIME_SECONDS
    yield
    tokens.lifetime_seconds = usual


def admit(running: Webhook, image: str, namespace: str = NAMESPACE) -> None:
    manifest = deployment(image, secrets=["good"])
    manifest["metadata"]["namespace"] = namespace
    outcome = running.api_server.create(manifest)
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])


def test_a_bearer_registry_is_asked_three_times_cold_once_warm_and_not_at_all_when_it_is_remembered(
    real: RealRegistries, remembering: Webhook
) -> None:
    cold = Asked(real.token, real)
    admit(remembering, f"{TOKEN_NAME}/team/app:1")
    assert (cold.manifests(), cold.tokens()) == ([CHALLENGED, HEAD], [TOKEN])

    remembered = Asked(real.token, real)
    admit(remembering, f"{TOKEN_NAME}/team/app:1")
    assert (remembered.manifests(), remembered.tokens()) == ([], [])

    warm = Asked(real.token, real)
    admit(remembering, f"{TOKEN_NAME}/team/app:index")
    assert (warm.manifests(), warm.tokens()) == ([HEAD], [])


@pytest.mark.usefixtures("short_lived_tokens")
def test_a_known_challenge_costs_two_requests_when_the_token_is_over(
    real: RealRegistries, remembering: Webhook
) -> None:
    admit(remembering, f"{TOKEN_NAME}/team/app:1")
    time.sleep(USED_SECONDS)

    known = Asked(real.token, real)
    admit(remembering, f"{TOKEN_NAME}/team/app:index")
    assert (known.manifests(), known.tokens()) == ([HEAD], [TOKEN])


def test_another_tenant_with_the_same_login_gets_a_token_of_its_own(real: RealRegistries, remembering: Webhook) -> None:
    admit(remembering, f"{TOKEN_NAME}/team/app:1")

    other = Asked(real.token, real)
    admit(remembering, f"{TOKEN_NAME}/team/app:1", namespace="other")
    assert (other.manifests(), other.tokens()) == ([HEAD], [TOKEN])


@pytest.mark.parametrize("way", ["htpasswd", "tls"])
def test_a_basic_registry_is_asked_twice_cold_and_once_when_it_is_known_to_want_a_login(
    real: RealRegistries, remembering: Webhook, way: str
) -> None:
    address = real.htpasswd.address if way == "htpasswd" else TLS_NAME
    counted = []
    for tag in ("1", "1", "index"):
        asked = Asked(getattr(real, way), real)
        admit(remembering, f"{address}/team/app:{tag}")
        counted.append(asked.manifests())
    assert counted == [[CHALLENGED, HEAD], [], [HEAD]]


def test_an_open_registry_is_asked_once_for_all_namespaces(real: RealRegistries, remembering: Webhook) -> None:
    counted = []
    for namespace in (NAMESPACE, NAMESPACE, "other"):
        asked = Asked(real.open, real)
        admit(remembering, f"{real.open.address}/team/app:1", namespace)
        counted.append(asked.manifests())
    assert counted == [[HEAD], [], []]


def test_what_is_missing_is_asked_afresh_each_time(real: RealRegistries, remembering: Webhook) -> None:
    counted = []
    for _ in range(2):
        asked = Asked(real.open, real)
        outcome = remembering.api_server.create(deployment(f"{real.open.address}/team/app:absent"))
        assert outcome.decision == "deny"
        counted.append(asked.manifests())
    assert counted == [[("HEAD", 404), ("GET", 404)]] * 2
