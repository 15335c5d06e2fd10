"""Which namespaces are refused, warned and left alone, and what is let through in one that refuses."""

from typing import Any

import pytest

from tests.cluster.inside.journal import Journal
from tests.cluster.inside.terminal import MODE, Terminal
from tests.cluster.inside.workloads import manifest

CAUSE = (
    'container "app": image "my-app:2.0" means docker.io/library/my-app:2.0: '
    "Docker Hub does not have it: no repository library/my-app; the pod offers no pull secret\n"
)
DENIED = (
    'Error from server (Forbidden): error when creating "STDIN": '
    f'admission webhook "enforce.pullcheck.dev" denied the request: {CAUSE}'
)
CREATED = "deployment.apps/my-app created\n"
WARNED = f"Warning: Deployment/my-app: would be denied: {CAUSE}{CREATED}"


def first_scene(kind: str = "Deployment", *, namespace: str, **spec: Any) -> dict[str, Any]:
    """What the first scene is about, in another namespace."""
    return manifest(kind, "my-app:2.0", namespace=namespace, secrets=(), **spec)


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("without-label", None, WARNED),
        ("warned", "warn", WARNED),
        ("warned-for-a-slip", "enforced", WARNED),
        ("refused", "enforce", DENIED),
        ("left-alone", "off", CREATED),
    ],
)
def test_the_namespace_s_label_is_the_mode(terminal: Terminal, name: str, mode: str | None, expected: str) -> None:
    terminal.make_namespace(name, mode)

    assert terminal.apply(first_scene(namespace=name)).text == expected


@pytest.mark.parametrize("name", ["kube-system", "pullcheck"])
def test_the_cluster_s_own_and_ours_are_left_alone_whatever_their_label(
    terminal: Terminal, journal: Journal, name: str
) -> None:
    terminal.type(f"label namespace {name} {MODE}=enforce")
    mark = journal.mark()

    seen = terminal.apply(first_scene(namespace=name, replicas=0))

    terminal.type(f"delete deployment my-app --namespace={name}")
    assert (seen.lines[-1], seen.code) == (CREATED.strip(), 0)
    assert journal.since(mark, namespace=name) == []


@pytest.fixture(scope="module")
def guarded(terminal: Terminal) -> str:
    return terminal.make_namespace("guarded", "enforce")


def test_a_single_object_is_let_through_by_its_annotation(terminal: Terminal, guarded: str) -> None:
    allowed = first_scene(namespace=guarded)
    allowed["metadata"]["annotations"] = {MODE: "warn"}

    seen = terminal.apply(allowed, options="--dry-run=server")

    assert seen.text == WARNED.replace("created", "created (server dry run)")


@pytest.mark.parametrize(
    ("kind", "called", "spec"),
    [
        ("Deployment", "deployment.apps", {"replicas": 0}),
        ("Job", "job.batch", {"suspend": True}),
        ("CronJob", "cronjob.batch", {"suspend": True}),
        ("Pod", "pod", {"schedulingGates": [{"name": "example.com/wait"}]}),
    ],
)
def test_what_pulls_nothing_now_is_warned_about(
    terminal: Terminal, guarded: str, kind: str, called: str, spec: dict[str, Any]
) -> None:
    seen = terminal.apply(first_scene(kind, namespace=guarded, **spec), options="--dry-run=server")

    assert seen.text == f"Warning: {kind}/my-app: {CAUSE}{called}/my-app created (server dry run)\n"


def test_a_mirror_annotation_in_a_person_s_pod_is_no_way_round(terminal: Terminal, guarded: str) -> None:
    pod = first_scene("Pod", namespace=guarded, nodeName="some-node")
    pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "of-a-person"}

    assert terminal.apply(pod).text == DENIED


@pytest.fixture(scope="module")
def leaving(terminal: Terminal) -> str:
    """A namespace that is being deleted, and cannot go yet: something holds the Deployment in it."""
    name = terminal.make_namespace("leaving", "off")
    held = first_scene(namespace=name)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    terminal.apply(held)
    terminal.set_mode(name, "enforce")
    terminal.type(f"delete namespace {name} --wait=false")
    deleted = f"get deployment my-app --namespace={name} --output=jsonpath={{.metadata.deletionTimestamp}}"
    terminal.wait(lambda: bool(terminal.type(deleted).text), "the Deployment is being deleted")
    return name


def test_a_namespace_that_is_being_deleted_is_not_held_up(terminal: Terminal, journal: Journal, leaving: str) -> None:
    """What is in it can still be changed, nobody is asked, and it goes."""
    mark = journal.mark()
    here = f"--namespace={leaving}"

    changed = terminal.type(f"set image deployment/my-app app=my-other-app:2.0 {here}")
    labelled = terminal.type(f"label deployment my-app team=shop {here}")
    released = terminal.type(f"patch deployment my-app {here} --type=merge --patch", '{"metadata":{"finalizers":null}}')
    gone = terminal.type(f"wait --for=delete namespace/{leaving} --timeout=30s")

    assert [seen.text for seen in (changed, labelled, released)] == [
        "deployment.apps/my-app image updated\n",
        "deployment.apps/my-app labeled\n",
        "deployment.apps/my-app patched\n",
    ]
    assert gone.code == 0, gone.text
    assert journal.since(mark, namespace=leaving) == []
