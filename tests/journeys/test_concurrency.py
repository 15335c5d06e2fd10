"""Reviews in flight that ask the same question share one conversation; others do not."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.fakes import images
from tests.fakes.apiserver import Manifest, Outcome, finish, review
from tests.fakes.certificates import Pair
from tests.fakes.exchange import Fault
from tests.fakes.registry import FakeRegistry
from tests.fakes.tokens import TokenServer
from tests.journeys.conftest import PRIVATE_NAME, TOKEN_NAME, write_cluster
from tests.journeys.manifests import deployment, pod_spec, pull_secret, workload
from tests.journeys.outcomes import resolutions
from tests.servers.docker_registry import PASSWORD, USERNAME
from tests.servers.hosts import send
from tests.servers.webhook import Webhook, webhook

REVIEWS = 100
BURST = 1000
"""Reviews at once, each on a connection of its own: more than the API server has under way at 200 a second."""
DEADLINE_SECONDS = 10
PER_REGISTRY = 8
"""The setting `network.per_registry`, by default."""
SETTLING_SECONDS = 0.3
"""A review that was sent is being judged well within it."""


class Gate:
    """Holds a registry's answers back until it is opened."""

    is_closed = True


def judge_at_once(fake_webhook: Webhook, registry: FakeRegistry, manifests: Sequence[Manifest]) -> list[Outcome]:
    """Have reviews judged while the registry holds its first answer back, so that all are in flight together."""
    gate = Gate()
    registry.faults.append(Fault(path="/v2/", is_held=lambda: gate.is_closed))
    reviews = [review(manifest) for manifest in manifests]
    with ExitStack() as stack:
        sent = [stack.enter_context(closing(fake_webhook.api_server.begin(one, timeout="10s"))) for one in reviews]
        time.sleep(SETTLING_SECONDS)
        gate.is_closed = False
        return [finish(connection, one) for connection, one in zip(sent, reviews, strict=True)]


@pytest.fixture
def by_token(pair: Pair) -> Iterator[FakeRegistry]:
    """A registry with a thousand tags, for whoever has a token."""
    tokens = TokenServer(accounts={USERNAME: PASSWORD}, is_anonymous=False)
    with FakeRegistry(tls=pair.server_context(), tokens=tokens) as registry:
        for number in range(BURST):
            registry.add(f"team/app:{number}", images.index())
        yield registry


@pytest.fixture
def remembering(tmp_path: Path, by_token: FakeRegistry, pair: Pair) -> Iterator[Webhook]:
    """A webhook with the default settings, but for the way to that registry."""
    hosts = send(tmp_path / "certs.d", TOKEN_NAME, by_token.url, pair.authority)
    login = pull_secret("good", {TOKEN_NAME: (USERNAME, PASSWORD)})
    settings = {
        "cluster": write_cluster(tmp_path / "cluster", login),
        "network": {"loopback": True, "realms": {TOKEN_NAME: [by_token.address]}},
        "nodes": {"hosts_directory": str(hosts)},
    }
    with webhook(tmp_path, pair, settings) as running:
        yield running


def judge_burst(running: Webhook, tags: Sequence[int]) -> list[tuple[Outcome, float]]:
    """Have a deployment of each tag judged, all at once."""
    api_server = running.api_server
    asked = [review(deployment(f"{TOKEN_NAME}/team/app:{tag}", secrets=["good"])) for tag in tags]

    async def burst() -> list[tuple[Outcome, float]]:
        return await asyncio.gather(*(api_server.ask_alone(one, f"{DEADLINE_SECONDS}s") for one in asked))

    return asyncio.run(burst())


def test_a_thousand_reviews_of_one_new_image_cost_one_head_and_one_token(
    by_token: FakeRegistry, remembering: Webhook
) -> None:
    by_token.faults.append(Fault(path="/v2/", delay_seconds=0.5))
    answered = judge_burst(remembering, [1] * BURST)

    assert Counter(outcome.decision for outcome, _ in answered) == {"allow": BURST}
    assert by_token.counts() == {"challenge": 1, "token": 1, "manifest": 1}
    assert max(seconds for _, seconds in answered) < DEADLINE_SECONDS


def test_a_thousand_reviews_of_a_thousand_images_are_all_answered_before_their_deadline(
    by_token: FakeRegistry, remembering: Webhook
) -> None:
    answered = judge_burst(remembering, range(BURST))

    assert max(seconds for _, seconds in answered) < DEADLINE_SECONDS
    assert "deny" not in {outcome.decision for outcome, _ in answered}
    # Those wait for one token together that want it at once; it is remembered when the first has seen its image.
    assert by_token.counts()["token"] <= PER_REGISTRY
    assert sum(outcome.decision == "allow" for outcome, _ in answered) > BURST / 2


def test_a_hundred_reviews_of_one_image_are_one_conversation(asked: FakeRegistry, fake_webhook: Webhook) -> None:
    image = f"{asked.address}/team/app:1"
    manifests = [workload("Deployment", pod_spec(image), name=f"app-{number}") for number in range(REVIEWS)]
    outcomes = judge_at_once(fake_webhook, asked, manifests)
    assert [outcome.decision for outcome in outcomes] == ["allow"] * REVIEWS
    assert asked.counts() == {"manifest": 1}


def test_reviews_with_other_credentials_do_not_share_an_answer(private: FakeRegistry, fake_webhook: Webhook) -> None:
    private.forget()
    private.faults.clear()
    image = f"{PRIVATE_NAME}/team/app:1"
    secrets: list[list[str]] = [["good"], [], ["bad"]]
    outcomes = judge_at_once(fake_webhook, private, [deployment(image, secrets=names) for names in secrets])
    assert [outcome.decision for outcome in outcomes] == ["allow", "deny", "deny"]


def test_an_image_that_is_used_twice_in_a_pod_is_asked_for_once(asked: FakeRegistry, fake_webhook: Webhook) -> None:
    image = f"{asked.address}/team/app:1"
    assert fake_webhook.api_server.create(deployment(image, image)).decision == "allow"
    assert asked.counts() == {"manifest": 1}


def test_the_images_of_a_review_are_asked_for_at_once(asked: FakeRegistry, fake_webhook: Webhook) -> None:
    asked.faults.append(Fault(path="/v2/", delay_seconds=1.0))
    manifest = deployment(*(f"{asked.address}/team/absent-{number}:1" for number in range(6)))
    begun = time.monotonic()
    assert fake_webhook.api_server.create(manifest).decision == "deny"
    # Two requests each, one after the other: two seconds, and six times as many if the images waited for each other.
    assert time.monotonic() - begun < 4.0
    assert asked.counts() == {"manifest": 12}


def test_an_answer_comes_before_the_deadline_whatever_the_registry_does(
    asked: FakeRegistry, fake_webhook: Webhook
) -> None:
    asked.faults.append(Fault(path="/v2/", delay_seconds=4.0))
    begun = time.monotonic()
    outcome = fake_webhook.api_server.ask(review(deployment(f"{asked.address}/team/app:1")), timeout="2s")
    assert time.monotonic() - begun < 2.0
    assert (outcome.decision, resolutions(outcome)) == ("warn", ["Unavailable"])
    assert "could not be checked" in outcome.warnings[0]


def test_a_password_that_was_rejected_is_not_sent_again(private: FakeRegistry, fake_webhook: Webhook) -> None:
    private.forget()
    outcome = fake_webhook.api_server.create(deployment(f"{PRIVATE_NAME}/team/app:1", secrets=["bad"]))
    assert (outcome.decision, resolutions(outcome)) == ("deny", ["Refused"])
    assert len(private.carried("a-wrong-password")) == 1
