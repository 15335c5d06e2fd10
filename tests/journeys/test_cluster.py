"""A cluster that cannot be reached: a warning at most; checks without a login go on."""

import json
from collections.abc import Iterator

import pytest

from tests.fakes.certificates import Pair
from tests.fakes.registry import FakeRegistry
from tests.journeys.conftest import PRIVATE_NAME
from tests.journeys.manifests import deployment
from tests.journeys.outcomes import resolutions
from tests.servers.webhook import Webhook, webhook


@pytest.fixture(scope="module")
def cut_off_webhook(
    tmp_path_factory: pytest.TempPathFactory, fake_settings: dict[str, object], pair: Pair
) -> Iterator[Webhook]:
    """Its kubeconfig leads to a port where nobody listens."""
    folder = tmp_path_factory.mktemp("cut-off")
    with FakeRegistry() as stopped:
        closed = stopped.address
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": f"https://{closed}"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "users": [{"name": "x", "user": {"token": "of-the-tests"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
    environ = {"KUBECONFIG": str(folder / "kubeconfig")}
    with webhook(folder, pair, {**fake_settings, "cluster": "kubernetes"}, environ) as running:
        yield running


def test_an_image_for_everybody_is_still_found(cut_off_webhook: Webhook, asked: FakeRegistry) -> None:
    outcome = cut_off_webhook.api_server.create(deployment(f"{asked.address}/team/app:1"))
    assert resolutions(outcome) == ["Resolved"]
    assert (outcome.is_allowed, len(outcome.warnings)) == (True, 1)
    assert "service account" in outcome.warnings[0]


@pytest.mark.parametrize("secrets", [[], ["good"]])
def test_a_refusal_is_a_warning_that_names_what_could_not_be_read(
    cut_off_webhook: Webhook, private: FakeRegistry, secrets: list[str]
) -> None:
    del private
    outcome = cut_off_webhook.api_server.create(deployment(f"{PRIVATE_NAME}/team/app:1", secrets=secrets))
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Refused"])
    assert ("good" if secrets else "service account") in outcome.warnings[0]


def test_what_is_missing_is_a_warning_too(cut_off_webhook: Webhook, asked: FakeRegistry) -> None:
    outcome = cut_off_webhook.api_server.create(deployment(f"{asked.address}/team/app:absent"))
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Missing"])


def test_what_is_no_reference_is_denied_all_the_same(cut_off_webhook: Webhook) -> None:
    assert cut_off_webhook.api_server.create(deployment("Shop/App:1")).decision == "deny"
