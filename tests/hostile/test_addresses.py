"""Addresses of this machine, of its link and of clouds' metadata are refused by default, in every form they have."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes import images
from tests.fakes.certificates import Pair
from tests.fakes.registry import FakeRegistry
from tests.fakes.tokens import TokenServer
from tests.journeys.manifests import deployment
from tests.journeys.outcomes import resolutions
from tests.servers.hosts import send
from tests.servers.webhook import FORGETFUL, Webhook, webhook

LOOPBACK = "network.loopback"
LED_HERE = "led-here.example.com"


@dataclass(frozen=True, slots=True)
class Inside:
    """What listens on this machine, and must not hear anything."""

    plain: FakeRegistry
    secure: FakeRegistry

    def connections(self) -> int:
        return self.plain.connections + self.secure.connections


@pytest.fixture(scope="module")
def inside(pair: Pair) -> Iterator[Inside]:
    with FakeRegistry() as plain, FakeRegistry(tls=pair.server_context()) as secure:
        for registry in (plain, secure):
            registry.add("team/app:1", images.index())
        yield Inside(plain, secure)


@pytest.fixture(scope="module")
def default_webhook(tmp_path_factory: pytest.TempPathFactory, inside: Inside, pair: Pair) -> Iterator[Webhook]:
    """One with the default network settings; only a hosts.toml leads here."""
    folder = tmp_path_factory.mktemp("default")
    hosts = send(folder / "certs.d", LED_HERE, inside.secure.url, pair.authority)
    settings = {"cluster": "none", "nodes": {"hosts_directory": str(hosts)}}
    with webhook(folder, pair, settings) as running:
        yield running


HOSTS = {
    "127.0.0.1": LOOPBACK,
    "127.0.0.2": LOOPBACK,
    "localhost": LOOPBACK,
    "[::1]": LOOPBACK,
    "127.1": LOOPBACK,
    "2130706433": LOOPBACK,
    "0x7f.1": LOOPBACK,
    "0177.0.0.1": LOOPBACK,
    "[::ffff:7f00:1]": LOOPBACK,
    "[64:ff9b::7f00:1]": LOOPBACK,
    "[2002:7f00:1::]": LOOPBACK,
    "0.0.0.0": "",
    "[::]": "",
    "169.254.169.254": "",
    "[::ffff:a9fe:a9fe]": "",
    "2852039166": "",
    "0xa9fea9fe": "",
    "[64:ff9b::a9fe:a9fe]": "",
    "[2002:a9fe:a9fe::]": "",
    "[fd00:ec2::254]": "",
    "168.63.129.16": "",
    "100.100.100.200": "",
    "192.0.0.192": "",
    "[fe80::1]": "",
    "224.0.0.1": "",
    "metadata.google.internal": "",
}


@pytest.mark.parametrize(("host", "setting"), HOSTS.items())
@pytest.mark.parametrize("way", ["plain", "secure"])
def test_a_registry_at_such_an_address_is_not_contacted(
    default_webhook: Webhook, inside: Inside, *, host: str, setting: str, way: str
) -> None:
    before = inside.connections()
    outcome = default_webhook.api_server.create(deployment(f"{host}:{getattr(inside, way).port}/team/app:1"))
    assert inside.connections() == before
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
    assert setting in outcome.warnings[0]


def test_a_hosts_file_that_leads_here_is_not_followed(default_webhook: Webhook, inside: Inside) -> None:
    before = inside.connections()
    outcome = default_webhook.api_server.create(deployment(f"{LED_HERE}/team/app:1"))
    assert inside.connections() == before
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
    assert LOOPBACK in outcome.warnings[0]


@pytest.fixture(scope="module")
def narrow_webhook(tmp_path_factory: pytest.TempPathFactory, inside: Inside, pair: Pair) -> Iterator[Webhook]:
    """One that may contact a single address of this machine."""
    folder = tmp_path_factory.mktemp("narrow")
    hosts = send(folder / "certs.d", LED_HERE, inside.secure.url, pair.authority)
    settings = {
        "cluster": "none",
        "memory": FORGETFUL,
        "network": {"allowed_networks": ["127.0.0.1/32"]},
        "nodes": {"hosts_directory": str(hosts)},
    }
    with webhook(folder, pair, settings) as running:
        yield running


def test_an_allowed_network_is_contacted(narrow_webhook: Webhook) -> None:
    """The control of the next: this webhook does get as far as the registry."""
    outcome = narrow_webhook.api_server.create(deployment(f"{LED_HERE}/team/app:1"))
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2",
        "2130706434",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "[64:ff9b::7f00:2]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "0.0.0.0",
    ],
)
def test_a_realm_at_such_an_address_is_not_contacted(narrow_webhook: Webhook, inside: Inside, host: str) -> None:
    """The guard stands before every connection, not only before the registry's."""
    tokens = TokenServer()
    inside.secure.tokens, inside.secure.realm = tokens, f"https://{host}:{inside.plain.port}/token"
    before = inside.plain.connections
    try:
        outcome = narrow_webhook.api_server.create(deployment(f"{LED_HERE}/team/app:1"))
    finally:
        inside.secure.tokens, inside.secure.realm = None, ""
    assert inside.plain.connections == before
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
