"""What controllers make of what was judged before: never refused, told to nobody, and on record."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.inside.journal import Journal
from tests.cluster.inside.terminal import Terminal
from tests.cluster.inside.workloads import manifest
from tests.cluster.pullcheck import Pullcheck

IMAGE = "my-app:2.0"
WARNED_PODS = 'pullcheck_reviews_total{decision="warn",kind="Pod",mode="enforce",operation="CREATE"}'
SCALE, RESUME = "scale {name} --replicas=1", 'patch {name} --type=merge --patch={{"spec":{{"suspend":false}}}}'


@pytest.fixture(
    params=[
        # Each pulls nothing when it is applied, and so is admitted with a warning.
        ("Deployment", {"replicas": 0}, SCALE, "replicaset-controller"),
        ("ReplicaSet", {"replicas": 0}, SCALE, "replicaset-controller"),
        ("StatefulSet", {"replicas": 0}, SCALE, "statefulset-controller"),
        ("ReplicationController", {"replicas": 0}, SCALE, "replication-controller"),
        ("Job", {"suspend": True}, RESUME, "job-controller"),
        ("CronJob", {"suspend": True}, RESUME, "job-controller"),
    ],
    ids=lambda param: param[0],
)
def released(request: pytest.FixtureRequest, terminal: Terminal) -> Iterator[tuple[str, str]]:
    """A namespace where something began to pull an image that is not there, and the controller that makes its pods."""
    kind, spec, command, controller = request.param
    namespace = terminal.make_namespace(f"made-by-{kind.lower()}", "enforce")
    terminal.apply(manifest(kind, IMAGE, namespace=namespace, secrets=(), **spec))
    if kind == "CronJob":
        miss_a_time(terminal, namespace)
    name = f"{kind.lower()}/my-app --namespace={namespace}"
    seen = terminal.type(command.format(name=name))
    assert (seen.code, "Warning" in seen.text) == (0, False), seen.text
    yield namespace, f"system:serviceaccount:kube-system:{controller}"
    terminal.type(f"delete namespace {namespace} --wait=false")


def miss_a_time(terminal: Terminal, namespace: str) -> None:
    """Let a CronJob have missed its time a minute ago, else the test would wait for three in the morning."""
    missed_at = datetime.now(UTC) - timedelta(minutes=1)
    schedule = {"spec": {"schedule": f"{missed_at:%M %H} * * *", "timeZone": "Etc/UTC"}}
    status = {"status": {"lastScheduleTime": f"{missed_at - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}}
    here = f"cronjob/my-app --namespace={namespace} --type=merge"
    terminal.type(f"patch {here} --patch", json.dumps(schedule))
    terminal.type(f"patch {here} --subresource=status --patch", json.dumps(status))


def recorded(terminal: Terminal, namespace: str) -> list[dict[str, Any]]:
    """What the API server's audit says of every workload that controllers created there."""
    events = map(json.loads, terminal.cluster.audit_log.read_text().splitlines())
    return [
        event
        for event in events
        if (event["verb"], event["objectRef"].get("namespace")) == ("create", namespace)
        and event["objectRef"]["resource"] in ("pods", "replicasets", "jobs")
        and event["user"]["username"].startswith("system:serviceaccount:kube-system:")
    ]


def pods(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["objectRef"]["resource"] == "pods"]


def test_a_pod_of_a_controller_is_made_and_on_record(
    terminal: Terminal, installed: Pullcheck, journal: Journal, released: tuple[str, str]
) -> None:
    namespace, controller = released

    terminal.wait(lambda: bool(pods(recorded(terminal, namespace))), f"a pod is made in {namespace}")

    events = recorded(terminal, namespace)
    event = pods(events)[0]
    assert (event["user"]["username"], event["responseStatus"]["code"]) == (controller, 201)
    assert {event["annotations"]["enforce.pullcheck.dev/decision"] for event in events} == {"warn"}
    (image,) = json.loads(event["annotations"]["enforce.pullcheck.dev/images"])
    assert (image["field"], image["resolution"]) == ("spec.containers[0].image", "Missing")
    (review,) = journal.since(0, kind="Pod", namespace=namespace)
    assert (review["decision"], review["mode"]) == ("warn", "enforce")
    assert installed.metrics()[WARNED_PODS] >= 1


def test_a_job_that_a_person_makes_of_a_cron_job_is_judged(terminal: Terminal) -> None:
    """It has the same owner as the controller's: the owner proves nothing."""
    namespace = terminal.make_namespace("made-by-a-person", "enforce")
    terminal.apply(manifest("CronJob", IMAGE, namespace=namespace, secrets=(), suspend=True))

    seen = terminal.type(f"create job now --from=cronjob/my-app --namespace={namespace}")

    assert seen.text.startswith("error: failed to create job: admission webhook ")
    assert ' denied the request: container "app": image "my-app:2.0" means ' in seen.text
