"""What the story is about: without the webhook the same files are admitted, and the node says the rest, to nobody."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.here import Cluster
from tests.cluster.inside.terminal import Seen, Terminal
from tests.cluster.story import Stage
from tests.demo.player import load
from tests.demo.story import STORY

PULLING = 'Failed to pull image "{image}": failed to pull and unpack image "{name}": failed to resolve image: '
PRIVATE = PULLING.format(image="registry.example.com/my-app:2.0", name="registry.example.com/my-app:2.0")
DENIED = "pull access denied, repository does not exist or may require authorization: "
NO_LOGIN = f"{PRIVATE}{DENIED}authorization failed: no basic auth credentials"
NOT_ON_HUB = (
    PULLING.format(image="my-app:2.0", name="docker.io/library/my-app:2.0")
    + f"{DENIED}server message: insufficient_scope: authorization failed"
)
NO_SECRET = "Unable to retrieve some image pull secrets (regcerd); attempting to pull the image may not succeed."
REJECTED = f"{PRIVATE}unexpected status from HEAD request to https://registry.example.com/v2/my-app/manifests/2.0: "
NO_TAG = (
    'Failed to pull image "registry.example.com/my-app:2.1": rpc error: code = NotFound desc = failed to pull and '
    'unpack image "registry.example.com/my-app:2.1": failed to resolve image: registry.example.com/my-app:2.1: not '
    "found"
)
DOWN = (
    PRIVATE.replace(":2.0", ":1.9") + "failed to do request: Head "
    '"https://registry.example.com/v2/my-app/manifests/1.9": dial tcp 10.88.0.2:443: connect: connection refused'
)
WORDS = {
    "1-wrong-registry/deployment.yaml": {NOT_ON_HUB},
    "2-no-secret/deployment.yaml": {NO_LOGIN},
    "3-misspelt-secret/deployment.yaml": {NO_SECRET, NO_LOGIN},
    "4-wrong-secret/deployment.yaml": {f"{REJECTED}401 Unauthorized"},
    "4-wrong-secret/other-host.yaml": {NO_LOGIN},
    "5-missing-tag/deployment.yaml": {NO_TAG},
    "6-all-correct/deployment.yaml": set[str](),
    "7-registry-down/deployment.yaml": {DOWN},
}
"""What kubelet and containerd say of each scene, in the events of its pods."""
RUNS = "6-all-correct/deployment.yaml"


@dataclass(frozen=True, slots=True)
class End:
    """How a scene ended: what the terminal showed, what became of the two pods, and the node's words about them."""

    seen: Seen
    states: set[str]
    words: set[str]


@pytest.fixture(scope="module")
def ends(terminal: Terminal, stage: Stage) -> dict[str, End]:
    """All scenes, played at once where pullcheck leaves them alone; the last without its registry."""
    ended = play(terminal, files(is_registry_up=True))
    stage.private.stop()
    ended |= play(terminal, files(is_registry_up=False))
    stage.restart_private()
    return ended


def files(*, is_registry_up: bool) -> list[str]:
    return sorted({act.file for scene in STORY if scene.is_registry_up is is_registry_up for act in scene.acts})


def play(terminal: Terminal, files: list[str]) -> dict[str, End]:
    for file in files:
        terminal.set_mode(namespace_of(file), "off")
    seen = {file: terminal.type(f"apply -f {file}") for file in files}
    terminal.wait(lambda: all(has_been_tried(terminal.cluster, file) for file in files), "every pod has been tried")
    return {file: End(seen[file], states(terminal.cluster, file), words(terminal.cluster, file)) for file in files}


def namespace_of(file: str) -> str:
    return str(load(file)["metadata"]["namespace"])


def pods(cluster: Cluster, file: str) -> list[dict[str, Any]]:
    app = load(file)["metadata"]["name"]
    _, found = cluster.get(f"/api/v1/namespaces/{namespace_of(file)}/pods?labelSelector=app%3D{app}")
    return list(found["items"])


def states(cluster: Cluster, file: str) -> set[str]:
    """`running`, or the reason for which a container waits."""
    containers = [container for pod in pods(cluster, file) for container in pod["status"].get("containerStatuses", [])]
    waiting = (container["state"].get("waiting", {}).get("reason") for container in containers)
    return {reason or "running" for reason in waiting}


def has_been_tried(cluster: Cluster, file: str) -> bool:
    """Whether both pods run, or the kubelet has begun to wait before it tries again."""
    found = {pod["metadata"]["name"] for pod in pods(cluster, file)}
    done = {name for name, reason, _ in events(cluster, file) if reason in ("Started", "BackOff")}
    return len(found) == 2 and found <= done


def words(cluster: Cluster, file: str) -> set[str]:
    """What pods' events say in whole sentences; `Error: ErrImagePull` is none."""
    failures = ("Failed", "FailedToRetrieveImagePullSecret")
    said = {message for _, reason, message in events(cluster, file) if reason in failures}
    return {message for message in said if not message.startswith("Error: ")}


def events(cluster: Cluster, file: str) -> list[tuple[str, str, str]]:
    """Of each event about its pods: the pod's name, the reason and the message."""
    names = {pod["metadata"]["name"] for pod in pods(cluster, file)}
    _, found = cluster.get(f"/api/v1/namespaces/{namespace_of(file)}/events")
    told = ((one["involvedObject"]["name"], one["reason"], one["message"]) for one in found["items"])
    return [event for event in told if event[0] in names]


@pytest.mark.parametrize("file", WORDS)
def test_everything_is_admitted_and_nobody_hears_why_it_hangs(ends: dict[str, End], file: str) -> None:
    end = ends[file]

    assert end.seen == Seen(f"deployment.apps/{load(file)['metadata']['name']} created\n", 0)
    assert end.words == WORDS[file]
    assert end.states <= ({"running"} if file == RUNS else {"ErrImagePull", "ImagePullBackOff"})
