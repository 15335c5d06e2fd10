"""A canary credential leaves for its registry's own origin and its admitted realms, and for nowhere else.

The node would have sent it (its client compares no hosts): so the resolution is Blocked, a warning that names the
setting, and never a denial.
"""

from collections.abc import Callable

import pytest

from tests.fakes import images
from tests.fakes.exchange import Fault, Response
from tests.hostile.conftest import CANARY, IMAGE, MIRRORED, PLAIN, REGISTRY, Den, apply, bearer
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook


def test_the_credential_does_reach_an_honest_registry(den: Den, guarded: Webhook) -> None:
    """The control: if this one fails, the others prove nothing."""
    den.registry.add(IMAGE, images.index())
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])
    assert [request.path for request in den.registry.carried(CANARY)] == ["/token"]


REALMS: dict[str, Callable[[Den], str]] = {
    "another port": lambda den: f"{den.secure.url}/token",
    "another address, the same port": lambda den: f"{den.neighbour.url}/token",
    "plain http": lambda den: f"{den.plain.url}/token",
    "plain http in capitals": lambda den: f"{den.plain.url.replace('http', 'HTTP')}/token",
    "a user before the host": lambda den: f"https://{den.registry.host}:x@{den.secure.address}/token",
    "the registry as the user": lambda den: f"https://{den.registry.address}@{den.secure.address}/token",
    "a user before the registry": lambda den: f"https://user:pw@{den.registry.address}/token",
    "a fragment": lambda den: f"{den.secure.url}/token#@{den.registry.address}",
    "a backslash": lambda den: f"https://{den.secure.address}\\@{den.registry.address}/token",
    "a decimal address": lambda den: f"https://2130706433:{den.secure.port}/token",
    "a shortened address": lambda den: f"https://127.1:{den.secure.port}/token",
    "a mapped address": lambda den: f"https://[::ffff:127.0.0.1]:{den.secure.port}/token",
    "localhost by name": lambda den: f"https://localhost:{den.secure.port}/token",
    "localhost at the registry's port": lambda den: f"https://localhost:{den.registry.port}/token",
    "a look-alike with the registry as its prefix": lambda _: f"https://{REGISTRY}.attacker.test/token",
    "too long": lambda den: f"{den.registry.url}/token?{'x' * 3000}",
}


@pytest.mark.parametrize("layout", REALMS)
def test_the_credential_never_reaches_a_realm_elsewhere(den: Den, guarded: Webhook, layout: str) -> None:
    realm = REALMS[layout](den)
    den.registry.challenges = lambda _: bearer(realm)
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert not den.stolen()
    assert not den.registry.carried(CANARY)
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])
    assert CANARY not in outcome.text


@pytest.mark.parametrize("layout", ["another port", "another address, the same port", "localhost by name"])
def test_the_warning_names_the_setting_that_would_allow_the_realm(den: Den, guarded: Webhook, layout: str) -> None:
    realm = REALMS[layout](den)
    den.registry.challenges = lambda _: bearer(realm)
    assert "network.realms" in apply(guarded, f"{REGISTRY}/{IMAGE}").warnings[0]


CHALLENGES: dict[str, tuple[Callable[[Den], list[str]], str]] = {
    "our realm and theirs in one challenge": (
        lambda den: bearer(f"{den.registry.url}/token", f',realm="{den.secure.url}/token"'),
        "Blocked",
    ),
    "their realm and ours in one challenge": (
        lambda den: bearer(f"{den.secure.url}/token", f',realm="{den.registry.url}/token"'),
        "Resolved",
    ),
    "their line and ours": (
        lambda den: bearer(f"{den.secure.url}/token") + bearer(f"{den.registry.url}/token"),
        "Blocked",
    ),
    "two challenges in one line": (
        lambda den: [f'Basic realm="x", Bearer realm="{den.secure.url}/token"'],
        "Unavailable",
    ),
    "a realm without quotes": (lambda den: [f"Bearer realm={den.secure.url}/token"], "Unavailable"),
    "a relative realm": (lambda den: bearer(f"//{den.secure.address}/token"), "Unavailable"),
    "a realm with a control character": (
        lambda den: bearer(f"{den.registry.url}/token\x0b{den.secure.url}"),
        "Blocked",
    ),
}


@pytest.mark.parametrize("layout", CHALLENGES)
def test_the_credential_is_led_astray_by_no_odd_challenge(den: Den, guarded: Webhook, layout: str) -> None:
    """Challenges are read as the node reads them: of two realms in one challenge the last counts."""
    build, resolution = CHALLENGES[layout]
    lines = build(den)
    den.registry.add(IMAGE, images.index())
    den.registry.challenges = lambda _: lines
    outcome = apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("allow" if resolution == "Resolved" else "warn", [resolution])


def test_the_credential_never_reaches_a_mirror_that_challenges(den: Den, guarded: Webhook) -> None:
    den.registry.faults.append(Fault(path="/v2/", response=Response(503)))
    outcome = apply(guarded, f"{MIRRORED}/{IMAGE}")
    assert den.secure.requests, "the mirror is asked, without a login"
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Unavailable"])


def test_a_mirror_that_challenges_does_not_keep_the_credential_from_the_registry(den: Den, guarded: Webhook) -> None:
    den.registry.add(IMAGE, images.index())
    outcome = apply(guarded, f"{MIRRORED}/{IMAGE}")
    assert den.registry.carried(CANARY)
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])


def test_a_declared_plain_registry_does_not_send_the_credential_to_a_plain_realm_elsewhere(
    den: Den, guarded: Webhook
) -> None:
    """The node's own hosts.toml says http: the registry may have it, another port may not."""
    den.plain.faults.append(
        Fault(
            path="/v2/", response=Response(401, (("Www-Authenticate", bearer(f"http://{den.neighbour.address}/t")[0]),))
        )
    )
    outcome = apply(guarded, f"{PLAIN}/{IMAGE}")
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Blocked"])


def test_no_credential_of_one_registry_is_offered_to_another(den: Den, guarded: Webhook) -> None:
    """The pull secret is for other hosts; this one is only asked, whatever it wants."""
    outcome = apply(guarded, f"{den.neighbour.address}/{IMAGE}")
    assert den.neighbour.requests
    assert not den.stolen()
    assert (outcome.decision, resolutions(outcome)) == ("deny", ["Refused"])


def test_the_canary_stands_in_no_log_line_and_no_metric(den: Den, guarded: Webhook) -> None:
    apply(guarded, f"{REGISTRY}/{IMAGE}")
    den.registry.challenges = lambda _: bearer(f"{den.secure.url}/token")
    apply(guarded, f"{REGISTRY}/{IMAGE}")
    assert den.registry.carried(CANARY)
    assert guarded.events("review")
    assert CANARY not in guarded.log.read_text(errors="replace")
    assert not [name for name in guarded.metrics() if CANARY in name]
