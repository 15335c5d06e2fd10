"""The node's side: workloads applied for real, where nobody guards them, until the kubelet has said what it thinks."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster.here import Cluster
from tests.truth.scenes.scene import LABEL
from tests.truth.scenes.secrets import Manifest

NAMESPACE = "unguarded"
PULLED_ANYWAY = frozenset({"CrashLoopBackOff", "CreateContainerError", "RunContainerError"})
UNDECIDED = frozenset({"ContainerCreating", "PodInitializing", "CreateContainerConfigError", ""})
NO_SECRET = "FailedToRetrieveImagePullSecret"
_LACKED = re.compile(r"Unable to retrieve some image pull secrets \((.*?)\)")
_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*": \w+: ')


@dataclass(frozen=True, slots=True)
class Sight:
    """What the kubelet says of a scene's pod, as soon as it is settled."""

    has_pulled: bool
    words: str
    lacked: frozenset[str]
    """The pull secrets that the kubelet could not read."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the node decided about a scene, and where in the record of requests that began and ended."""

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
                found[name] = Sight(*read, self._lacked(pod["metadata"]["uid"]))
        return found

    def _lacked(self, uid: str) -> frozenset[str]:
        path = f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=involvedObject.uid={uid},reason={NO_SECRET}"
        _, events = self._cluster.get(path)
        found = (_LACKED.search(event["message"]) for event in (events or {}).get("items", ()))
        return frozenset(name for match in found if match for name in match[1].split(", "))


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
