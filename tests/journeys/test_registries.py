"""The real registry, in each of its ways: what is decided, and how many requests it costs."""

import time

import pytest

from tests.journeys.conftest import STORED, TLS_NAME, TOKEN_NAME, RealRegistries
from tests.journeys.manifests import deployment
from tests.journeys.outcomes import resolutions
from tests.servers.docker_registry import DockerRegistry
from tests.servers.webhook import Webhook

SETTLING_SECONDS = 0.15
"""A request too many that is still on its way would show within it."""


class Asked:
    """Counts what the registries and the token server are asked from now on."""

    def __init__(self, registry: DockerRegistry, real: RealRegistries) -> None:
        self._registry, self._real = registry, real
        self._manifests_before = len(registry.requests())
        real.token_server.answered.clear()

    def manifests(self) -> list[tuple[str, int]]:
        """Method and status of each request for a manifest."""
        time.sleep(SETTLING_SECONDS)
        return [(method, status) for method, _, status in self._registry.requests()[self._manifests_before :]]

    def tokens(self) -> list[tuple[str, int]]:
        return [(request.method, status) for request, status in self._real.token_server.answered]


def addresses(real: RealRegistries) -> dict[str, str]:
    return {"open": real.open.address, "htpasswd": real.htpasswd.address, "tls": TLS_NAME, "token": TOKEN_NAME}


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("way", ["open", "htpasswd", "tls", "token"])
def test_whatever_is_there_is_admitted_in_silence(
    real: RealRegistries, real_webhook: Webhook, way: str, stored: str
) -> None:
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/{stored}", secrets=["good"]))
    assert (outcome.decision, outcome.message, outcome.warnings) == ("allow", "", ())
    assert resolutions(outcome) == ["Resolved"]
    assert STORED[stored].digest in (outcome.audit or {})["images"]


def test_an_image_by_digest_is_asked_for_by_its_digest(real: RealRegistries, real_webhook: Webhook) -> None:
    digest = STORED["team/app:index"].digest
    outcome = real_webhook.api_server.create(deployment(f"{real.open.address}/team/app:no-such-tag@{digest}"))
    assert resolutions(outcome) == ["Resolved"]


def test_an_open_registry_is_asked_once(real: RealRegistries, real_webhook: Webhook) -> None:
    asked = Asked(real.open, real)
    real_webhook.api_server.create(deployment(f"{real.open.address}/team/app:1"))
    assert asked.manifests() == [("HEAD", 200)]


@pytest.mark.parametrize("way", ["htpasswd", "tls"])
def test_a_basic_registry_is_asked_twice(real: RealRegistries, real_webhook: Webhook, way: str) -> None:
    asked = Asked(getattr(real, way), real)
    real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", secrets=["good"]))
    assert asked.manifests() == [("HEAD", 401), ("HEAD", 200)]


def test_a_bearer_registry_is_asked_twice_and_its_token_server_once(
    real: RealRegistries, real_webhook: Webhook
) -> None:
    asked = Asked(real.token, real)
    real_webhook.api_server.create(deployment(f"{TOKEN_NAME}/team/app:1", secrets=["good"]))
    assert asked.manifests() == [("HEAD", 401), ("HEAD", 200)]
    assert asked.tokens() == [("POST", 200)]


@pytest.mark.parametrize(
    ("way", "manifests", "tokens"),
    [
        ("open", [("HEAD", 404), ("GET", 404)], []),
        ("htpasswd", [("HEAD", 401), ("HEAD", 404), ("GET", 404)], []),
        ("tls", [("HEAD", 401), ("HEAD", 404), ("GET", 404)], []),
        ("token", [("HEAD", 401), ("HEAD", 404), ("GET", 404)], [("POST", 200)]),
    ],
)
def test_what_is_missing_is_denied_after_one_more_request_at_most_two(
    real: RealRegistries,
    real_webhook: Webhook,
    *,
    way: str,
    manifests: list[tuple[str, int]],
    tokens: list[tuple[str, int]],
) -> None:
    asked = Asked(getattr(real, way), real)
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:absent", secrets=["good"]))
    assert (outcome.decision, resolutions(outcome)) == ("deny", ["Missing"])
    assert "absent" in outcome.message
    assert asked.manifests() == manifests
    assert asked.tokens() == tokens


@pytest.mark.parametrize(
    ("way", "manifests", "tokens"),
    [
        ("htpasswd", [("HEAD", 401), ("HEAD", 401), ("GET", 401)], []),
        ("tls", [("HEAD", 401), ("HEAD", 401), ("GET", 401)], []),
        ("token", [("HEAD", 401), ("GET", 401)], [("POST", 401), ("GET", 401)]),
    ],
)
def test_a_wrong_password_is_denied_by_the_secrets_name(
    real: RealRegistries,
    real_webhook: Webhook,
    *,
    way: str,
    manifests: list[tuple[str, int]],
    tokens: list[tuple[str, int]],
) -> None:
    """The last GET carries no password; a token server that answers 401 to POST may only know GET, as nodes find."""
    asked = Asked(getattr(real, way), real)
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", secrets=["bad"]))
    assert (outcome.decision, resolutions(outcome)) == ("deny", ["Refused"])
    assert '"bad"' in outcome.message
    assert "rejected" in outcome.message
    assert asked.manifests() == manifests
    assert asked.tokens() == tokens


@pytest.mark.parametrize("way", ["htpasswd", "tls", "token"])
@pytest.mark.parametrize("secrets", [[], ["elsewhere"]])
def test_a_login_that_is_lacking_is_denied(
    real: RealRegistries, real_webhook: Webhook, way: str, secrets: list[str]
) -> None:
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", secrets=secrets))
    assert (outcome.decision, resolutions(outcome)) == ("deny", ["Refused"])
    assert ("registry.example.org" if secrets else "no pull secret") in outcome.message


@pytest.mark.parametrize("way", ["htpasswd", "tls", "token"])
def test_the_second_secret_is_offered_when_the_first_is_rejected(
    real: RealRegistries, real_webhook: Webhook, way: str
) -> None:
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", secrets=["bad", "good"]))
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])


@pytest.mark.parametrize("way", ["htpasswd", "tls", "token"])
def test_the_secrets_of_the_service_account_are_offered(real: RealRegistries, real_webhook: Webhook, way: str) -> None:
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", account="puller"))
    assert (outcome.decision, resolutions(outcome)) == ("allow", ["Resolved"])


@pytest.mark.parametrize("way", ["htpasswd", "tls", "token"])
def test_an_absent_secret_makes_a_warning_of_a_denial(real: RealRegistries, real_webhook: Webhook, way: str) -> None:
    outcome = real_webhook.api_server.create(deployment(f"{addresses(real)[way]}/team/app:1", secrets=["later"]))
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Refused"])
    assert "later" in outcome.warnings[0]
