"""pullcheck beside a real node: what it admits runs, and what the node itself makes is none of its business."""

from typing import Any

import pytest
import yaml

from tests.cluster.here import Cluster
from tests.cluster.inside.journal import Journal
from tests.cluster.inside.terminal import Terminal
from tests.cluster.inside.workloads import NAMESPACE, manifest
from tests.cluster.world import NODE

HERE = f"--namespace={NAMESPACE}"
IMAGE = "my-app:2.0"


@pytest.fixture(scope="module")
def _runs(terminal: Terminal) -> None:
    """The sixth scene was played where pullcheck refuses, and its pods run."""
    terminal.type(f"delete deployment my-app {HERE} --ignore-not-found")
    terminal.set_mode(NAMESPACE, "enforce")
    seen = terminal.type("apply -f 6-all-correct/deployment.yaml")
    rolled_out = terminal.type(f"rollout status deployment/my-app {HERE} --timeout=60s")
    assert seen.text == "deployment.apps/my-app created\n"
    assert rolled_out.lines[-1] == 'deployment "my-app" successfully rolled out'


@pytest.mark.usefixtures("_runs")
def test_what_is_admitted_in_silence_runs(terminal: Terminal) -> None:
    running = f"get pods {HERE} --selector=app=my-app --field-selector=status.phase=Running --output=name"

    assert len(terminal.type(running).lines) == 2


@pytest.mark.usefixtures("_runs")
def test_a_running_pod_s_image_is_still_judged_when_it_changes(terminal: Terminal) -> None:
    seen = terminal.type(f"set image deployment/my-app app=registry.example.com/my-app:2.1 {HERE}")

    assert "error: failed to patch image update to pod template: admission webhook" in seen.text


def reviews(journal: Journal, mark: int, namespace: str) -> list[tuple[Any, ...]]:
    found = journal.since(mark, namespace=namespace)
    return [(review["kind"], review["operation"], review["decision"], review.get("early")) for review in found]


def waiting_reason(terminal: Terminal, namespace: str) -> str:
    reason = "{.items[0].status.containerStatuses[0].state.waiting.reason}"
    return terminal.type(f"get pods --namespace={namespace} --output=jsonpath={reason}").text


def test_a_static_pod_s_mirror_is_admitted_unasked(terminal: Terminal, journal: Journal) -> None:
    """The kubelet runs the pod whatever the API server says of its copy."""
    namespace = terminal.make_namespace("mirrored", "enforce")
    mark = journal.mark()
    pod = manifest("Pod", IMAGE, namespace=namespace, secrets=())

    (terminal.cluster.static_pods / "my-app.yaml").write_text(yaml.safe_dump(pod))

    terminal.wait(lambda: waiting_reason(terminal, namespace) == "ErrImagePull", "the static pod's image is tried")
    (terminal.cluster.static_pods / "my-app.yaml").unlink()
    assert reviews(journal, mark, namespace) == [("Pod", "CREATE", "allow", "mirror pod")]


def test_a_daemon_set_s_pod_comes_to_the_node_all_the_same(terminal: Terminal, journal: Journal) -> None:
    """It was applied before pullcheck guarded the namespace, and waited for a node with a label."""
    namespace = terminal.make_namespace("made-by-daemonset", "off")
    waiting = manifest("DaemonSet", IMAGE, namespace=namespace, secrets=())
    waiting["spec"]["template"]["spec"]["nodeSelector"] = {"example.com/kind": "awaited"}
    terminal.apply(waiting)
    terminal.set_mode(namespace, "enforce")
    mark = journal.mark()

    terminal.type(f"label node {NODE} example.com/kind=awaited")

    terminal.wait(lambda: waiting_reason(terminal, namespace) == "ErrImagePull", "the pod's image is tried")
    assert reviews(journal, mark, namespace) == [("Pod", "CREATE", "warn", None)]


@pytest.mark.usefixtures("_runs")
def test_a_denial_is_softened_once_the_node_reports_the_image(terminal: Terminal) -> None:
    """pullcheck reads the nodes with rights of its own. The kubelet looks every 30 s which images there are."""
    terminal.type("delete deployment my-app --namespace=no-secret --ignore-not-found")
    terminal.set_mode("no-secret", "enforce")
    image = "registry.example.com/my-app:2.0"
    terminal.wait(lambda: image in reported_images(terminal.cluster), "the node reports the image")

    seen = terminal.type("apply -f 2-no-secret/deployment.yaml --dry-run=server")

    assert len(seen.lines) == 2, seen.text
    warning, created = seen.lines
    assert warning.startswith(f'Warning: Deployment/my-app: container "app": image "{image}": ')
    assert warning.endswith("; a node reports that it has this image")
    assert created == "deployment.apps/my-app created (server dry run)"


def reported_images(cluster: Cluster) -> list[str]:
    _, node = cluster.get(f"/api/v1/nodes/{NODE}")
    return [name for image in node["status"]["images"] for name in image["names"]]
