"""Manifests as people write them, built for a test."""

import base64
import json
from collections.abc import Mapping, Sequence

from tests.fakes.apiserver import Manifest

NAMESPACE = "shop"


def pod_spec(*images: str, secrets: Sequence[str] = (), account: str = "", **more: object) -> Manifest:
    """A pod spec with a container for each image, named `app`, `app-1`, `app-2` …"""
    names = ("app" if number == 0 else f"app-{number}" for number in range(len(images)))
    containers = [{"name": name, "image": image} for name, image in zip(names, images, strict=True)]
    pull = {"imagePullSecrets": [{"name": name} for name in secrets]} if secrets else {}
    service_account = {"serviceAccountName": account} if account else {}
    return {"containers": containers, **pull, **service_account, **more}


def workload(kind: str, spec: Manifest, *, name: str = "my-app", **metadata: object) -> Manifest:
    """An object of a built-in kind around a pod spec."""
    version, body = {
        "Pod": ("v1", spec),
        "PodTemplate": ("v1", None),
        "ReplicationController": ("v1", {"replicas": 1, "template": {"spec": spec}}),
        "CronJob": ("batch/v1", {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": spec}}}}),
        "Job": ("batch/v1", {"template": {"spec": spec}}),
    }.get(kind, ("apps/v1", {"replicas": 1, "template": {"spec": spec}}))
    held = {"template": {"spec": spec}} if body is None else {"spec": body}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        **held,
    }


def deployment(*images: str, secrets: Sequence[str] = (), account: str = "") -> Manifest:
    return workload("Deployment", pod_spec(*images, secrets=secrets, account=account))


def pull_secret(name: str, logins: Mapping[str, tuple[str, str]], *, namespace: str = NAMESPACE) -> Manifest:
    """A Secret of the type that `kubectl create secret docker-registry` makes."""
    auths = {host: {"auth": base64.b64encode(":".join(login).encode()).decode()} for host, login in logins.items()}
    content = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": content},
    }


def service_account(name: str, secrets: Sequence[str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "imagePullSecrets": [{"name": secret} for secret in secrets],
    }
