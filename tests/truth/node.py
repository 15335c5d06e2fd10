"""The node's side: workloads applied for real, where nobody guards them, until the kubelet has said what it thinks."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster.here import Cluster
from tests.truth.scenes.scene import LABEL
from tests.truth.scenes.secrets import Manifest

NAMESPACE = "unguarded"
LOOK_SECONDS = 0.3
"""Between two looks; a failed pull is tried again after 10 s, and its requests would count."""
MAX_TOGETHER = 30
"""Workloads that are waited for at once: more only wait for each other on a small machine."""
MAX_SECONDS = 300.0
"""For any scene; a silent server costs containerd 30 s, a dead one some seconds more."""
PULLED_ANYWAY = frozenset({"CrashLoopBackOff", "CreateContainerError", "RunContainerError"})
UNDECIDED = frozenset({"ContainerCreating", "PodInitializing", "CreateContainerConfigError", ""})
NO_SECRET = "FailedToRetrieveImagePullSecret"
_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*": \w+: ')


@dataclass(frozen=True, slots=True)
class Sight:
    """What the kubelet says of a scene's pod, as soon as it is settled."""

    has_pulled: bool
    words: str
    lacked_secret: bool
    """Whether the kubelet could not read a pull secret."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A scene that the node has decided, and where in the record of requests it began and ended."""

    name: str
    sight: Sight
    begin: int
    end: int


def read_pod(pod: Any) -> tuple[bool, str] | None:
    """Read a pod's status: whether it got its images, and the kubelet's words; None while that is not known."""
    status = pod.get("status", {})
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    found = [_read_container(container) for container in containers]
    failed = next((words for words in found if words), None)
    if failed is not None:
        return False, failed
    return (True, "") if found and all(words == "" for words in found) else None


def _read_container(container: dict[str, Any]) -> str | None:
    """Empty: its image is there; None: not known yet; else what went wrong."""
    state = container["state"]
    if "waiting" not in state:
        return "" if state.keys() & {"running", "terminated"} else None
    reason, message = state["waiting"].get("reason", ""), state["waiting"].get("message", "")
    if reason in UNDECIDED:
        return None
    if reason in PULLED_ANYWAY:
        return ""
    words = _BACK_OFF.sub("", message)
    kind = "ErrImagePull" if reason == "ImagePullBackOff" else reason
    return f"{kind}: {words}" if words and words != kind else kind


class Node:
    """Applies workloads and looks at their pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def apply(self, workloads: Iterable[Manifest]) -> None:
        """Apply them for real."""
        apply(self._cluster, NAMESPACE, list(workloads))

    def delete(self, workloads: Sequence[Manifest]) -> None:
        """Remove them at once; their images stay."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(workloads)}
        self._cluster.kubectl(
            *("--namespace", NAMESPACE, "delete", "--ignore-not-found", "--wait=false"),
            *("--grace-period=0", "--force", "--filename=-"),
            text=yaml.safe_dump(listed),
        )

    def look(self, names: Iterable[str]) -> dict[str, Sight]:
        """Say what is known of scenes, those whose pods are settled."""
        _, pods = self._cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods?resourceVersion=0")
        wanted = set(names)
        found = {}
        for pod in (pods or {}).get("items", ()):
            name = pod["metadata"].get("labels", {}).get(LABEL, "")
            read = read_pod(pod)
            if name in wanted and read and "deletionTimestamp" not in pod["metadata"]:
                found[name] = Sight(*read, self._lacked_secret(pod["metadata"]["uid"]))
        return found

    def _lacked_secret(self, uid: str) -> bool:
        path = f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=involvedObject.uid={uid},reason={NO_SECRET}"
        _, events = self._cluster.get(path)
        return bool((events or {}).get("items"))


def apply(cluster: Cluster, namespace: str, objects: Sequence[Manifest]) -> None:
    """Apply objects with kubectl.

    Raises:
        RuntimeError: One of them was not taken.
    """
    if objects:
        text = yaml.safe_dump_all(objects)
        applied = cluster.kubectl("--namespace", namespace, "apply", "--filename=-", text=text)
        if applied.returncode:
            raise RuntimeError(f"not applied: {applied.stderr}")


def wait_between_looks() -> None:
    """Sleep until the next look."""
    time.sleep(LOOK_SECONDS)
