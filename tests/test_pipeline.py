"""From the bytes of a review to the bytes of its answer."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

import webhook.pipeline
from tests.judged import FakeCluster, FakeRegistries, make_pipeline
from tests.registry.playing import BASIC, DIGEST, UNAUTHORIZED, answer, found
from webhook.admission.review import MalformedReviewError, Review, parse
from webhook.keychain.pullsecrets import ServiceAccountState
from webhook.pipeline import LARGE_BYTES, Pipeline
from webhook.places import MAX_REVIEWS, MAX_REVIEWS_OF_ONE, TOO_MANY
from webhook.registry.exchange import Intent, Reply
from webhook.verdict.answer import Answered, ReviewFacts
from webhook.verdict.policy import Decision, Mode, Rules

CAPTURES = Path(__file__).parent / "captures"


def captured(name: str) -> dict[str, Any]:
    review: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text())
    return review


def refuse(_: Intent) -> Reply:
    return answer(401, UNAUTHORIZED, BASIC)


def answered(
    review: dict[str, Any] | bytes,
    registries: FakeRegistries,
    *,
    mode: Mode = Mode.ENFORCE,
    rules: Rules | None = None,
    seconds: float = 5,
) -> tuple[dict[str, Any], ReviewFacts]:
    body = review if isinstance(review, bytes) else json.dumps(review).encode()
    cluster = FakeCluster(accounts={"default": [], "robot": [], "builder": []})
    pipeline = make_pipeline(registries, cluster, rules=rules, loopback=True)

    async def scene() -> Answered:
        return await pipeline.answer(body, mode, deadline_at=asyncio.get_running_loop().time() + seconds)

    done = asyncio.run(scene())
    envelope = json.loads(done.body)
    assert (envelope["apiVersion"], envelope["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return envelope["response"], done.facts


def test_an_image_that_resolves_is_admitted_in_silence() -> None:
    review = captured("create-deployment")
    response, facts = answered(review, FakeRegistries(lambda _: found()))

    assert response["uid"] == review["request"]["uid"]
    assert response["allowed"] is True
    assert not response.get("warnings")
    assert response["auditAnnotations"]["decision"] == "allow"
    images = json.loads(response["auditAnnotations"]["images"])
    assert images[0]["resolution"] == "Resolved"
    assert images[0]["digest"] == DIGEST
    assert (facts.kind, facts.decision, facts.images[0][1]) == ("Deployment", "allow", "Resolved")


def test_an_image_that_does_not_is_denied() -> None:
    response, facts = answered(captured("create-pod"), FakeRegistries(refuse))

    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    assert response["status"]["reason"] == "Forbidden"
    assert "wants a login" in response["status"]["message"]
    assert response["auditAnnotations"]["decision"] == "deny"
    assert facts.decision is Decision.DENY


def test_in_mode_warn_it_is_warned_about() -> None:
    response, facts = answered(captured("create-deployment"), FakeRegistries(refuse), mode=Mode.WARN)

    assert response["allowed"] is True
    assert response["warnings"][0].startswith("Deployment/web: would be denied: container ")
    assert (facts.mode, facts.decision) == (Mode.WARN, Decision.WARN)


def test_the_annotation_on_the_object_makes_a_warning_of_its_denial() -> None:
    review = captured("create-deployment")
    review["request"]["object"]["metadata"]["annotations"] = {"pullcheck.dev/mode": "warn"}
    rules = Rules(override_annotation="pullcheck.dev/mode")
    response, facts = answered(review, FakeRegistries(refuse), rules=rules)

    assert response["allowed"] is True
    assert facts.mode is Mode.WARN


@pytest.mark.parametrize(
    ("name", "early"),
    [
        ("delete-deployment", "operation"),
        ("connect-pod-exec", "operation"),
        ("create-pod-binding", "no pod spec"),
        ("update-deployment-scale", "no pod spec"),
        ("update-pod-status", "subresource"),
        ("update-deployment-deleting-image", "being deleted"),
        ("create-pod-mirror", "mirror pod"),
    ],
)
def test_what_brings_no_image_is_allowed_and_nobody_is_asked(name: str, early: str) -> None:
    registries = FakeRegistries(refuse)
    response, facts = answered(captured(name), registries)

    assert response["allowed"] is True
    assert facts.early == early
    assert registries.conversations == 0


@pytest.mark.parametrize("name", ["update-deployment-labels", "update-deployment-rollout-restart", "update-pod-labels"])
def test_an_unchanged_image_costs_no_request(name: str) -> None:
    registries = FakeRegistries(refuse)
    response, _ = answered(captured(name), registries)

    assert response["allowed"] is True
    assert registries.conversations == 0


def test_a_changed_image_is_asked_for() -> None:
    registries = FakeRegistries(refuse)

    assert answered(captured("update-deployment-set-image"), registries)[0]["allowed"] is False
    assert registries.conversations == 1


def test_pull_policy_never_is_nobodys_business() -> None:
    review = captured("create-pod")
    review["request"]["object"]["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    registries = FakeRegistries(refuse)

    assert answered(review, registries)[0]["allowed"] is True
    assert registries.conversations == 0


def test_a_pod_of_a_controller_is_warned_about() -> None:
    response, _ = answered(captured("create-pod-by-replicaset-controller"), FakeRegistries(refuse))

    assert response["allowed"] is True
    assert response["warnings"]


def test_a_custom_kind_is_judged_by_its_path() -> None:
    registries = FakeRegistries(refuse)
    response, _ = answered(captured("create-rollout"), registries)

    assert response["warnings"][0].startswith("Rollout/canary: ")
    assert 'pull secret "regcred" does not exist' in response["warnings"][0]
    assert registries.conversations == 1


def test_an_old_object_that_cannot_be_read_makes_everything_new() -> None:
    review = captured("update-deployment-labels")
    review["request"]["oldObject"]["spec"] = "rubbish"
    registries = FakeRegistries(refuse)

    assert answered(review, registries)[0]["allowed"] is False
    assert registries.conversations == 1


def test_an_update_without_an_old_object_is_all_new() -> None:
    review = captured("update-deployment-labels")
    review["request"]["oldObject"] = None

    assert answered(review, FakeRegistries(refuse))[0]["allowed"] is False


def test_a_workload_that_cannot_be_understood_is_allowed_with_a_warning() -> None:
    review = captured("create-deployment")
    review["request"]["object"]["spec"]["template"]["spec"]["containers"][0]["image"] = {"secret": "hunter2"}
    response, facts = answered(review, FakeRegistries(refuse))

    assert response["allowed"] is True
    assert response["warnings"][0].startswith("Deployment/web: its images could not be checked: ")
    assert "hunter2" not in json.dumps(response)
    assert facts.not_understood
    assert response["auditAnnotations"]["decision"] == "warn"


def test_a_review_that_nests_too_deeply_is_allowed_with_a_warning() -> None:
    head = b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","x":'
    response, facts = answered(head + b"[" * 200_000 + b"]" * 200_000 + b"}}", FakeRegistries(refuse))

    assert (response["uid"], response["allowed"]) == ("u-1", True)
    assert facts.not_understood


def test_what_is_no_review_is_told_so() -> None:
    with pytest.raises(MalformedReviewError):
        answered(b'{"kind":"Pod"}', FakeRegistries(refuse))


def test_a_fault_of_ours_lets_the_workload_pass(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeCluster):
        async def read_service_account(self, namespace: str, name: str) -> ServiceAccountState:
            raise RuntimeError(f"boom {namespace} {name}")

    pipeline = make_pipeline(FakeRegistries(refuse), Broken(), loopback=True)
    body = json.dumps(captured("create-deployment")).encode()

    async def scene() -> Answered:
        return await pipeline.answer(body, Mode.ENFORCE, deadline_at=asyncio.get_running_loop().time() + 5)

    response = json.loads(asyncio.run(scene()).body)["response"]
    assert response["allowed"] is True
    assert "a fault in this webhook" in response["warnings"][0]
    assert "boom" in caplog.text


def test_an_answer_that_came_late_says_so() -> None:
    response, facts = answered(captured("create-pod"), FakeRegistries(refuse, delay_seconds=60), seconds=0.1)

    assert response["allowed"] is True
    assert facts.is_deadline_exceeded


def test_a_namespace_leaves_places_to_the_others() -> None:
    pipeline = make_pipeline(FakeRegistries(lambda _: found(), delay_seconds=0.2), max_of_one=2, loopback=True)

    def body(name: str, namespace: str) -> bytes:
        review = captured(name)
        review["request"]["namespace"] = namespace
        return json.dumps(review).encode()

    async def warnings_of(name: str, namespace: str) -> list[str]:
        deadline_at = asyncio.get_running_loop().time() + 5
        done = await pipeline.answer(body(name, namespace), Mode.ENFORCE, deadline_at=deadline_at)
        response = json.loads(done.body)["response"]
        assert response["allowed"] is True
        told = [warning for warning in response.get("warnings", ()) if TOO_MANY in warning]
        assert done.facts.not_understood == (TOO_MANY if told else None)
        return told

    async def scene() -> None:
        first = [asyncio.create_task(warnings_of("create-deployment", "noisy")) for _ in range(2)]
        await asyncio.sleep(0.05)
        beyond = ["Deployment/web: its images could not be checked: too many reviews at once"]
        assert await warnings_of("create-deployment", "noisy") == beyond
        assert await warnings_of("delete-deployment", "noisy") == [], "which is not judged"
        first[1].cancel()
        await asyncio.wait({first[1]})
        others = [warnings_of("create-deployment", "noisy"), warnings_of("create-deployment", "quiet")]
        assert await asyncio.gather(first[0], *others) == [[], [], []]

    asyncio.run(scene())


def test_the_last_quarter_of_the_places_is_left_to_other_namespaces() -> None:
    assert 4 * MAX_REVIEWS_OF_ONE == 3 * MAX_REVIEWS


def test_a_body_that_was_not_kept_is_answered_by_its_head() -> None:
    pipeline: Pipeline = make_pipeline(FakeRegistries(refuse))
    head = b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":'
    done = pipeline.answer_unread(head, Mode.ENFORCE, "the reason")

    assert done is not None
    response = json.loads(done.body)["response"]
    assert (response["uid"], response["allowed"]) == ("u-1", True)
    assert response["warnings"] == ["pullcheck: its images could not be checked: the reason"]
    assert done.facts.not_understood == "the reason"
    with pytest.raises(MalformedReviewError, match="begins one"):
        pipeline.answer_unread(b"rubbish", Mode.ENFORCE, "the reason")


def long_body(name: str, uid: str = "u") -> bytes:
    review = captured(name)
    review["request"]["uid"] = uid
    review["request"]["object"]["metadata"]["annotations"] = {"long": "x" * LARGE_BYTES}
    return json.dumps(review).encode()


@pytest.fixture
def slow_parse(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reading takes long, and nobody else goes on meanwhile; the uids of what was read."""
    read: list[str] = []

    def parse_slowly(body: bytes) -> Review:
        review = parse(body)
        read.append(review.uid)
        time.sleep(0.05)
        return review

    monkeypatch.setattr(webhook.pipeline, "parse", parse_slowly)
    return read


def test_long_reviews_are_read_one_after_the_other_and_leave_time_for_short_ones(slow_parse: list[str]) -> None:
    pipeline = make_pipeline(FakeRegistries(lambda _: found()), loopback=True)

    async def scene() -> None:
        deadline_at = asyncio.get_running_loop().time() + 10
        bodies = [long_body("create-pod", f"long {number}") for number in range(4)]
        bodies.append(json.dumps(captured("create-pod")).encode())
        answers = (pipeline.answer(body, Mode.ENFORCE, deadline_at=deadline_at) for body in bodies)
        assert all(json.loads(done.body)["response"]["allowed"] for done in await asyncio.gather(*answers))

    asyncio.run(scene())
    assert [uid for uid in slow_parse if uid.startswith("long")] == [f"long {number}" for number in range(4)]
    assert not slow_parse[0].startswith("long"), "the short one came last"


def test_a_long_review_whose_turn_does_not_come_is_allowed_with_a_warning(slow_parse: list[str]) -> None:
    pipeline = make_pipeline(FakeRegistries(lambda _: found()), loopback=True)

    async def scene() -> list[list[str]]:
        deadline_at = asyncio.get_running_loop().time() + 0.15
        answers = (pipeline.answer(long_body("create-pod"), Mode.ENFORCE, deadline_at=deadline_at) for _ in range(4))
        responses = [json.loads(done.body)["response"] for done in await asyncio.gather(*answers)]
        assert all(response["allowed"] for response in responses)
        return [response.get("warnings", []) for response in responses]

    warnings = asyncio.run(scene())
    assert warnings.count([f"pullcheck: its images could not be checked: {TOO_MANY}"]) >= 2
    assert len(slow_parse) < 4, "and is not read"


def test_a_long_review_whose_sender_goes_away_before_its_turn_is_not_read(slow_parse: list[str]) -> None:
    pipeline = make_pipeline(FakeRegistries(lambda _: found()), loopback=True)

    async def scene() -> None:
        deadline_at = asyncio.get_running_loop().time() + 5
        bodies = [long_body("create-pod", uid) for uid in ("stays", "leaves")]
        stays, leaves = (
            asyncio.create_task(pipeline.answer(body, Mode.ENFORCE, deadline_at=deadline_at)) for body in bodies
        )
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait({stays, leaves})

    asyncio.run(scene())
    assert slow_parse == ["stays"]
