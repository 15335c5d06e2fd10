"""The manifests as data: each file's documents, and the parts that tests ask for by name."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import servers

Manifest = dict[str, Any]

MANIFESTS = Path(__file__).parent.parent.parent / "manifests"
BASE = MANIFESTS / "base"
FILES = sorted(path for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml")


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def find(kind: str) -> Manifest:
    (found,) = [document for path in FILES for document in documents(path) if document["kind"] == kind]
    return found


def pod() -> Manifest:
    spec: Manifest = find("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> Manifest:
    (only,) = pod()["containers"]
    return dict(only)


def webhooks() -> dict[str, Manifest]:
    return {webhook["name"]: webhook for webhook in find("ValidatingWebhookConfiguration")["webhooks"]}


def kustomize(folder: Path) -> list[Manifest]:
    kubectl = servers.find("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl to build manifests with: make servers, or install a client of 1.27 or newer")
    built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(built.stdout))
