"""Which images of which objects are judged, and what softens a denial."""

import pytest

from tests.fakes.apiserver import PERSON, Manifest, completed, review
from tests.fakes.registry import FakeRegistry
from tests.journeys.conftest import PRIVATE_NAME
from tests.journeys.manifests import deployment, pod_spec, workload
from tests.journeys.outcomes import images
from tests.servers.webhook import Webhook

TEMPLATE = "spec.template.spec"
PATHS = {
    "Pod": "spec",
    "PodTemplate": "template.spec",
    "ReplicationController": TEMPLATE,
    "Deployment": TEMPLATE,
    "ReplicaSet": TEMPLATE,
    "StatefulSet": TEMPLATE,
    "DaemonSet": TEMPLATE,
    "Job": TEMPLATE,
    "CronJob": f"spec.jobTemplate.{TEMPLATE}",
}
CONTROLLER = {"username": "system:serviceaccount:kube-system:cronjob-controller", "groups": ["system:authenticated"]}


@pytest.fixture
def present(asked: FakeRegistry) -> str:
    return f"{asked.address}/team/app:1"


@pytest.fixture
def absent(asked: FakeRegistry) -> str:
    return f"{asked.address}/team/app:absent"


@pytest.mark.parametrize("kind", PATHS)
def test_every_built_in_kind_is_judged_at_its_own_path(fake_webhook: Webhook, absent: str, kind: str) -> None:
    outcome = fake_webhook.api_server.create(workload(kind, pod_spec(absent)))
    assert outcome.decision == "deny"
    assert images(outcome) == {f"{PATHS[kind]}.containers[0].image": "Missing"}


def test_a_custom_kind_is_judged_at_its_configured_path(fake_webhook: Webhook, absent: str) -> None:
    rollout: Manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "my-app", "namespace": "shop"},
        "spec": {"pods": {"spec": pod_spec(absent)}},
    }
    outcome = fake_webhook.api_server.create(rollout)
    assert outcome.decision == "deny"
    assert images(outcome) == {"spec.pods.spec.containers[0].image": "Missing"}


def test_a_kind_without_a_pod_spec_is_admitted_and_nothing_is_asked(fake_webhook: Webhook, asked: FakeRegistry) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "shop"}, "data": {}}
    assert fake_webhook.api_server.create(manifest).decision == "allow"
    assert not asked.requests


def test_init_containers_and_image_volumes_are_judged(fake_webhook: Webhook, present: str, absent: str) -> None:
    spec = pod_spec(
        present,
        initContainers=[{"name": "prepare", "image": absent}],
        volumes=[{"name": "empty", "emptyDir": {}}, {"name": "model", "image": {"reference": absent}}],
    )
    outcome = fake_webhook.api_server.create(workload("Pod", spec))
    assert outcome.decision == "deny"
    assert images(outcome) == {
        "spec.containers[0].image": "Resolved",
        "spec.initContainers[0].image": "Missing",
        "spec.volumes[1].image.reference": "Missing",
    }
    assert 'init container "prepare"' in outcome.message
    assert 'image volume "model"' in outcome.message


def test_of_ephemeral_containers_only_the_new_are_judged(
    fake_webhook: Webhook, asked: FakeRegistry, present: str, absent: str
) -> None:
    old = workload("Pod", pod_spec(absent, ephemeralContainers=[{"name": "first", "image": absent}]))
    new = workload(
        "Pod",
        pod_spec(
            absent, ephemeralContainers=[{"name": "first", "image": absent}, {"name": "debug", "image": present + "x"}]
        ),
    )
    outcome = fake_webhook.api_server.update(new, old, subresource="ephemeralcontainers")
    assert outcome.decision == "deny"
    assert images(outcome) == {"spec.ephemeralContainers[1].image": "Missing"}
    assert 'ephemeral container "debug"' in outcome.message
    assert {request.path for request in asked.requests} == {"/v2/team/app/manifests/1x"}


def test_an_unchanged_image_costs_no_request(fake_webhook: Webhook, asked: FakeRegistry, absent: str) -> None:
    old = deployment(absent)
    new = {**old, "metadata": {**old["metadata"], "labels": {"team": "shop"}}}
    assert fake_webhook.api_server.update(new, old).decision == "allow"
    assert not asked.requests


def test_a_changed_image_is_judged_on_update(fake_webhook: Webhook, present: str, absent: str) -> None:
    outcome = fake_webhook.api_server.update(deployment(present, absent), deployment(present))
    assert (outcome.decision, images(outcome)) == ("deny", {f"{TEMPLATE}.containers[1].image": "Missing"})


def test_other_pull_secrets_have_every_image_judged_again(fake_webhook: Webhook, absent: str) -> None:
    outcome = fake_webhook.api_server.update(deployment(absent, secrets=["good"]), deployment(absent))
    assert outcome.decision == "deny"


def test_deleting_asks_nothing(fake_webhook: Webhook, asked: FakeRegistry, absent: str) -> None:
    asked_about = review(None, completed(deployment(absent)), operation="DELETE")
    assert fake_webhook.api_server.ask(asked_about).decision == "allow"
    assert not asked.requests


def test_an_image_that_is_never_pulled_is_not_asked_for(
    fake_webhook: Webhook, asked: FakeRegistry, absent: str
) -> None:
    spec = pod_spec(absent)
    spec["containers"][0]["imagePullPolicy"] = "Never"
    assert fake_webhook.api_server.create(workload("Pod", spec)).decision == "allow"
    assert not asked.requests


def test_the_door_for_warning_says_what_would_be_denied(fake_webhook: Webhook, absent: str) -> None:
    outcome = fake_webhook.api_server.create(deployment(absent), path="/validate/warn")
    assert (outcome.decision, outcome.message) == ("warn", "")
    assert outcome.warnings[0].startswith("Deployment/my-app: would be denied: ")
    assert absent in outcome.warnings[0]
    assert outcome.audit is not None
    assert outcome.audit["decision"] == "warn"


def test_a_warning_that_is_none_of_a_denial_does_not_say_so(fake_webhook: Webhook, asked: FakeRegistry) -> None:
    outcome = fake_webhook.api_server.create(deployment(f"{asked.address}/team/old:1"), path="/validate/warn")
    assert outcome.decision == "warn"
    assert "would be denied" not in outcome.text


def test_the_plain_door_does_as_the_mode_says(fake_webhook: Webhook, absent: str) -> None:
    assert fake_webhook.api_server.create(deployment(absent), path="/validate").decision == "deny"


def test_the_override_annotation_makes_a_warning_of_a_denial(fake_webhook: Webhook, absent: str) -> None:
    manifest = workload("Deployment", pod_spec(absent), annotations={"pullcheck.dev/mode": "warn"})
    outcome = fake_webhook.api_server.create(manifest)
    assert outcome.decision == "warn"
    assert "would be denied: " in outcome.warnings[0]


@pytest.mark.parametrize("value", ["", "off", "allow", "enforce"])
def test_the_override_annotation_knows_one_value(fake_webhook: Webhook, absent: str, value: str) -> None:
    manifest = workload("Deployment", pod_spec(absent), annotations={"pullcheck.dev/mode": value})
    assert fake_webhook.api_server.create(manifest).decision == "deny"


def owned_job(image: str) -> Manifest:
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "1", "controller": True}
    return workload("Job", pod_spec(image), ownerReferences=[owner])


def test_a_job_that_its_controller_made_is_warned_about(fake_webhook: Webhook, absent: str) -> None:
    assert fake_webhook.api_server.create(owned_job(absent), user=CONTROLLER).decision == "warn"


@pytest.mark.parametrize(
    "user", [PERSON, {"username": "system:serviceaccount:shop:cronjob-controller", "groups": ["system:authenticated"]}]
)
def test_an_owner_alone_softens_nothing(fake_webhook: Webhook, absent: str, user: dict[str, object]) -> None:
    assert fake_webhook.api_server.create(owned_job(absent), user=user).decision == "deny"


def test_a_controller_without_an_owner_softens_nothing(fake_webhook: Webhook, absent: str) -> None:
    assert fake_webhook.api_server.create(workload("Job", pod_spec(absent)), user=CONTROLLER).decision == "deny"


@pytest.mark.parametrize(
    ("kind", "extra"),
    [("Deployment", {"replicas": 0}), ("Job", {"suspend": True}), ("CronJob", {"suspend": True})],
)
def test_what_pulls_nothing_now_is_warned_about(
    fake_webhook: Webhook, absent: str, kind: str, extra: dict[str, object]
) -> None:
    manifest = workload(kind, pod_spec(absent))
    manifest["spec"].update(extra)
    assert fake_webhook.api_server.create(manifest).decision == "warn"


def test_several_images_are_named_in_one_denial(fake_webhook: Webhook, asked: FakeRegistry, absent: str) -> None:
    others = [f"{asked.address}/team/other:2", f"{PRIVATE_NAME}/team/app:1", "Upper:1"]
    outcome = fake_webhook.api_server.create(deployment(absent, *others, f"{asked.address}/team/old:1"))
    assert outcome.decision == "deny"
    first, *rest = outcome.message.splitlines()
    assert 'container "app"' in first
    assert absent in first
    assert not [image for image in others if image not in "\n".join(rest)]
    assert [f"{asked.address}/team/old:1" in warning for warning in outcome.warnings] == [True]


@pytest.mark.parametrize(("kind", "limit"), [("Pod", 900), ("Deployment", 2048)])
def test_what_does_not_fit_in_a_denial_is_counted(
    fake_webhook: Webhook, asked: FakeRegistry, kind: str, limit: int
) -> None:
    spec = pod_spec(*(f"{asked.address}/team/a-long-enough-name-{number}:1" for number in range(40)))
    outcome = fake_webhook.api_server.create(workload(kind, spec))
    assert len(outcome.message.encode()) <= limit
    named = len(outcome.message.splitlines()) - 1
    assert outcome.message.endswith(f"and {40 - named} more")
    assert len(images(outcome)) == 40


def test_a_dry_run_is_judged_alike(fake_webhook: Webhook, present: str, absent: str) -> None:
    assert fake_webhook.api_server.create(deployment(absent), dry_run=True).decision == "deny"
    assert fake_webhook.api_server.create(deployment(present), dry_run=True).decision == "allow"


def test_a_workload_that_cannot_be_understood_is_admitted_with_a_warning(fake_webhook: Webhook) -> None:
    manifest = completed(deployment("x"))
    manifest["spec"]["template"]["spec"]["containers"] = "none"
    outcome = fake_webhook.api_server.ask(review(manifest))
    assert outcome.decision == "warn"


def test_what_is_no_review_is_answered_400_in_one_line(fake_webhook: Webhook) -> None:
    status, body = fake_webhook.api_server.post(b'{"kind":"Pod","secret":"canary-value"}')
    assert status == 400
    assert body.strip().count(b"\n") == 0
    assert b"canary-value" not in body
