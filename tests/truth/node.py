"""The node's side: workloads applied for real, where nobody guards them, until the kubelet has said what it thinks."""

import re
import subprocess
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
_NOT_PULLED = "Failed to pull image "
_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*": \w+: ')


@dataclass(frozen=True, slots=True)
class Sight:
    """What the kubelet says of a scene's pod, as soon as it is settled."""

    has_pulled: bool
    """Whether the node got every image that the pod names."""
    words: str
    """Of the first that it did not get."""
    runs: bool
    """Whether the pod starts: one image may be missing that no container waits for."""
    lacked: frozenset[str]
    """The pull secrets that the kubelet could not read."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the node decided about a scene, and where in the record of requests that began and ended."""

    sight: Sight
    begin: int
    end: int


def read_pod(pod: Any) -> tuple[bool, str] | None:
    """Read a pod's status: whether its containers got their images, and the kubelet's words; None: not known yet."""
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


def read_volumes(pod: Any, events: Sequence[Any]) -> tuple[bool, str] | None:
    """Read the same of its image volumes, which no status tells, only events; None: not known yet."""
    volumes = [volume["image"]["reference"] for volume in pod["spec"].get("volumes", ()) if "image" in volume]
    found = [_read_volume(image, events) for image in volumes]
    failed = next((words for words in found if words), None)
    if failed is not None:
        return False, failed
    return (True, "") if all(words == "" for words in found) else None


def _read_volume(image: str, events: Sequence[Any]) -> str | None:
    """As for a container."""
    told = [(event["reason"], event["message"]) for event in events if f'"{image}"' in event["message"]]
    if any(reason == "Pulled" for reason, _ in told):
        return ""
    return next((words for reason, words in told if reason == "Failed" and words.startswith(_NOT_PULLED)), None)


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

    def forget(self, repository: str) -> None:
        """Remove a repository's images, so that the next pod pulls them again."""
        place = self._cluster.directory
        images = [f"{place}/bin/ctr", f"--address={place}/containerd.sock", "--namespace=k8s.io", "images"]
        listed = subprocess.run([*images, "list", "--quiet"], capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split() if f"/{repository}:" in name or f"/{repository}@" in name]
        subprocess.run([*images, "remove", "--sync", *names], capture_output=True, check=True)

    def look(self, names: Iterable[str]) -> dict[str, Sight]:
        """Say what is known of scenes, those whose pods are settled."""
        _, pods = self._cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods?resourceVersion=0")
        wanted = set(names)
        found = {}
        for pod in (pods or {}).get("items", ()):
            name = pod["metadata"].get("labels", {}).get(LABEL, "")
            read = read_pod(pod)
            if name in wanted and read and "deletionTimestamp" not in pod["metadata"]:
                events = self._events(pod["metadata"]["uid"])
                whole = read_volumes(pod, events) if read[0] else read
                if whole is not None:
                    found[name] = Sight(*whole, read[0], _find_lacked(events))
        return found

    def _events(self, uid: str) -> list[Any]:
        _, events = self._cluster.get(f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=involvedObject.uid={uid}")
        return list((events or {}).get("items", ()))


def _find_lacked(events: Iterable[Any]) -> frozenset[str]:
    found = (_LACKED.search(event["message"]) for event in events if event["reason"] == NO_SECRET)
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
