"""Manifests that a real API server takes: every kind that carries a pod spec."""

from collections.abc import Sequence
from typing import Any

from tests.journeys.manifests import pod_spec, workload

PRESENT, ABSENT = "registry.example.com/my-app:2.0", "registry.example.com/my-app:2.1"
"""The story's image, and one that is not there, for whoever offers the story's pull secret."""
SECRET, NAMESPACE = "regcred", "all-correct"
"""The pull secret that opens the story's registry, and the namespace where it is."""
KINDS = {
    "Pod": "pod",
    "PodTemplate": "podtemplate",
    "ReplicationController": "replicationcontroller",
    "Deployment": "deployment.apps",
    "ReplicaSet": "replicaset.apps",
    "StatefulSet": "statefulset.apps",
    "DaemonSet": "daemonset.apps",
    "Job": "job.batch",
    "CronJob": "cronjob.batch",
}
"""Every built-in kind that carries a pod spec, and what kubectl calls it."""
_LABELS = {"app": "my-app"}


def manifest(
    kind: str,
    image: str = ABSENT,
    *,
    namespace: str = NAMESPACE,
    name: str = "my-app",
    secrets: Sequence[str] = (SECRET,),
    **spec: object,
) -> dict[str, Any]:
    """An object of that kind around a pod with the story's pull secret; `spec` is added to the object's own."""
    never = {"restartPolicy": "Never"} if kind in ("Pod", "Job", "CronJob") else {}
    pod = pod_spec(image, secrets=secrets, **never)
    made: dict[str, Any] = workload(kind, pod, name=name)
    made["metadata"]["namespace"] = namespace
    if kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"):
        made["spec"]["selector"] = _LABELS if kind == "ReplicationController" else {"matchLabels": _LABELS}
        made["spec"]["template"]["metadata"] = {"labels": _LABELS}
    if kind == "DaemonSet":
        del made["spec"]["replicas"]
    made.get("spec", {}).update(spec)
    return made


ROLLOUT_DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
ROLLOUT_RULE = {
    "apiGroups": ["argoproj.io"],
    "apiVersions": ["*"],
    "resources": ["rollouts"],
    "operations": ["CREATE", "UPDATE"],
    "scope": "Namespaced",
}


def rollout(image: str = ABSENT, **metadata: object) -> dict[str, Any]:
    """An object of a custom kind, around the same pod."""
    made = manifest("Deployment", image)
    return made | {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {**made["metadata"], **metadata},
    }
