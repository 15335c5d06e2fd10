"""Every resolution once, from a registry's answer to what the person reads; and the table is the operator's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.certificates import Pair
from tests.fakes.registry import FakeRegistry
from tests.journeys.conftest import CLOUD_NAME, DENIED_NAME, DOWN_NAME, PRIVATE_NAME
from tests.journeys.manifests import deployment
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook, webhook

IMAGES = {
    "Resolved": "{fake}/team/app:1",
    "Missing": "{fake}/team/app:absent",
    "Refused": f"{PRIVATE_NAME}/team/app:1",
    "Invalid": "Shop/App:1",
    "Unsupported": "{fake}/team/old:1",
    "Unverifiable": f"{CLOUD_NAME}/team/app:1",
    "Unavailable": f"{DOWN_NAME}/team/app:1",
    "Blocked": f"{DENIED_NAME}/team/app:1",
}
OPPOSITE = {
    "missing": "warn",
    "refused": "allow",
    "invalid": "warn",
    "unsupported": "deny",
    "unverifiable": "deny",
    "unavailable": "deny",
    "blocked": "allow",
}


@pytest.mark.parametrize(
    ("resolution", "decision", "words"),
    [
        ("Resolved", "allow", ()),
        ("Missing", "deny", ("absent", "no such tag")),
        ("Refused", "deny", ("login", "no pull secret")),
        ("Invalid", "deny", ("no valid image reference",)),
        ("Unsupported", "warn", ("schema 1",)),
        ("Unverifiable", "allow", ()),
        ("Unavailable", "warn", ("could not be checked", "did not answer")),
        ("Blocked", "warn", ("could not be checked", "does not contact", "network.denied_hosts")),
    ],
)
def test_every_resolution_has_its_decision_and_its_cause(
    asked: FakeRegistry, fake_webhook: Webhook, *, resolution: str, decision: str, words: tuple[str, ...]
) -> None:
    image = IMAGES[resolution].format(fake=asked.address)
    outcome = fake_webhook.api_server.create(deployment(image))
    assert (outcome.decision, resolutions(outcome)) == (decision, [resolution])
    assert not [word for word in (image, *words) if words and word not in outcome.text]
    assert (outcome.code, outcome.reason) == ((403, "Forbidden") if decision == "deny" else (0, ""))
    assert outcome.audit is not None
    assert outcome.audit["decision"] == decision


@pytest.fixture(scope="module")
def opposite_webhook(
    tmp_path_factory: pytest.TempPathFactory, fake_settings: dict[str, object], pair: Pair
) -> Iterator[Webhook]:
    folder: Path = tmp_path_factory.mktemp("opposite")
    with webhook(folder, pair, {**fake_settings, "policy": OPPOSITE}) as running:
        yield running


@pytest.mark.parametrize(("setting", "decision"), OPPOSITE.items())
def test_the_policy_is_what_the_settings_say(
    asked: FakeRegistry, opposite_webhook: Webhook, setting: str, decision: str
) -> None:
    image = IMAGES[setting.capitalize()].format(fake=asked.address)
    outcome = opposite_webhook.api_server.create(deployment(image))
    assert (outcome.decision, resolutions(outcome)) == (decision, [setting.capitalize()])
