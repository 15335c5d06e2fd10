"""By name: a host of the registry's own domain may have the credential, one that only looks like it may not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Pair
from tests.fakes.proxy import Proxy
from tests.hostile.conftest import CANARY, IMAGE, NAMES, REGISTRY, USERNAME, Den, apply, bearer
from tests.journeys.conftest import write_cluster
from tests.journeys.manifests import pull_secret
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook, webhook


@dataclass(frozen=True, slots=True)
class Named:
    """A webhook that knows the registry by its name, and the proxy through which it gets there."""

    webhook: Webhook
    proxy: Proxy


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, den_servers: Den, pair: Pair) -> Iterator[Named]:
    """A webhook for which names lead to the den through a proxy: only the registry's own name to the registry."""
    folder: Path = tmp_path_factory.mktemp("named")
    thief = (den_servers.secure.host, den_servers.secure.port)
    routes = {f"{name}:443": thief for name in NAMES}
    routes[f"{REGISTRY}:443"] = (den_servers.registry.host, den_servers.registry.port)
    login = pull_secret("canary", {REGISTRY: (USERNAME, CANARY)})
    settings = {
        "cluster": write_cluster(folder / "cluster", login),
        "network": {"ca_files": [str(pair.authority)]},
    }
    with Proxy(routes) as proxy:
        environ = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url}
        with webhook(folder, pair, settings, environ) as running:
            yield Named(running, proxy)


def test_a_host_of_the_registrys_own_domain_may_have_the_credential(den: Den, named: Named) -> None:
    """The control of the next: by name, too, the credential does travel."""
    den.registry.challenges = lambda _: bearer("https://auth.example.com/token")
    apply(named.webhook, f"{REGISTRY}/{IMAGE}")
    assert [request.path for request in den.secure.carried(CANARY)] == ["/token"]


@pytest.mark.parametrize("name", NAMES[2:])
def test_a_look_alike_never_gets_the_credential(den: Den, named: Named, name: str) -> None:
    den.registry.challenges = lambda _: bearer(f"https://{name}/token")
    outcome = apply(named.webhook, f"{REGISTRY}/{IMAGE}")
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
    assert "network.realms" in outcome.warnings[0]


def test_the_registrys_own_name_never_gets_the_credential_over_plain_http(den: Den, named: Named) -> None:
    den.registry.challenges = lambda _: bearer(f"http://{REGISTRY}/token")
    named.proxy.asked.clear()
    outcome = apply(named.webhook, f"{REGISTRY}/{IMAGE}")
    assert set(named.proxy.asked) <= {f"{REGISTRY}:443"}
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
    assert "network.insecure_hosts" in outcome.warnings[0]
