"""The story's registries and namespaces in a world, for its scenes to be applied as people apply them.

The private registry is distribution's, a process that can be stopped; Docker Hub is a stand-in of ours.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import images, registry, servers
from tests.cluster.here import Cluster
from tests.cluster.processes import Server, StartError
from tests.demo.story import PASSWORD, REGISTRY, REPOSITORY, SCENES, TAGS, USERNAME
from tests.fakes.registry import FakeRegistry, docker_hub

REGISTRY_ADDRESS, HUB_ADDRESS = "10.88.0.2", "10.88.0.3"
HUB, HUB_TOKENS = "registry-1.docker.io", "auth.docker.io"
HTPASSWD = f"{USERNAME}:$2y$04$abcdefghijklmnopqrstuuNHDAwmO1TOzXSnMcAp9xydsb5Vc4.ne\n"
"""bcrypt of PASSWORD, of the lowest cost; made once with the system's crypt(3)."""
AUTHORIZATION = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
"""What opens it."""


@dataclass(slots=True)
class Stage:
    """The registries that run."""

    cluster: Cluster
    private: Server
    hub: FakeRegistry

    def restart_private(self) -> None:
        """Start the private registry again after it was stopped, with what it held."""
        self.private = _start_private(self.cluster)

    def stop(self) -> None:
        """Stop both."""
        self.private.stop()
        self.hub.stop()


def start(cluster: Cluster) -> str:
    """Be a guest of a world: set the stage, and say what can be played on it."""
    set_up(cluster)
    return (
        f"The story: cd {SCENES.relative_to(Path.cwd())}; kubectl apply -f 1-wrong-registry/deployment.yaml, and on.\n"
        "Its namespaces are labelled enforce. Scene 7 begins with the end of the registry: kill $(pidof registry)\n"
    )


def set_up(cluster: Cluster) -> Stage:
    """Start and fill the registries, let the node trust them, and make the scenes' namespaces and secrets."""
    cluster.add_address(REGISTRY_ADDRESS, REGISTRY)
    cluster.add_address(HUB_ADDRESS, HUB, HUB_TOKENS)
    cluster.trust(REGISTRY)
    authority = cluster.authority.folder / "ca.crt"
    cluster.trust("docker.io", f'server = "https://{HUB}"\nca = "{authority}"\n')
    hub_tls = registry.issue(cluster, HUB, HUB_TOKENS).server_context()
    hub = docker_hub(tls=hub_tls, realm=f"https://{HUB_TOKENS}/token", host=HUB_ADDRESS, port=443).start()
    stage = Stage(cluster, _start_private(cluster), hub)
    _fill(cluster)
    _apply(cluster, _namespaces() + _secrets())
    return stage


def _start_private(cluster: Cluster) -> Server:
    return registry.start(cluster, REGISTRY, REGISTRY_ADDRESS, htpasswd=HTPASSWD)


def _fill(cluster: Cluster) -> None:
    program = servers.find("pause")
    if not program:
        raise StartError("pause was not found: run `make servers`")
    pusher = registry.pusher(cluster, REGISTRY, authorization=AUTHORIZATION)
    for tag in TAGS:
        pusher.push(f"{REPOSITORY}:{tag}", images.runnable(program, name=tag))


def _documents() -> list[dict[str, Any]]:
    texts = [path.read_text() for path in sorted(SCENES.glob("*/*.yaml"))]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def _namespaces() -> list[dict[str, Any]]:
    names = sorted({document["metadata"]["namespace"] for document in _documents()})
    labels = {"pullcheck.dev/mode": "enforce"}
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name in names]


def _secrets() -> list[dict[str, Any]]:
    """What stands in the scenes' files beside the workloads that people apply."""
    return [document for document in _documents() if document["kind"] == "Secret"]


def _apply(cluster: Cluster, documents: list[dict[str, Any]]) -> None:
    applied = cluster.kubectl("apply", "--filename=-", text=yaml.safe_dump_all(documents))
    if applied.returncode:
        raise StartError(f"the story's namespaces and secrets were not taken\n{applied.stderr}")
