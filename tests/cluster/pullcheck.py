"""pullcheck in a world: a process behind the real API server, installed by the repository's own manifests.

What the process stands for (Deployment, Service, PodDisruptionBudget) is left out, and the webhooks' `service:` becomes
a URL. It reads the cluster as the ServiceAccount of the manifests, so that their RBAC is what is tried.
"""

import base64
import http.client
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import processes
from tests.cluster.here import SECURE_PORT, Cluster
from tests.cluster.processes import Server, StartError, wait_until
from tests.cluster.world import NODE_ADDRESS

CHECKOUT = Path(__file__).parents[2]
BASE, ENFORCING = CHECKOUT / "manifests" / "base", CHECKOUT / "manifests" / "overlays" / "enforce"
NAME = "pullcheck"
"""Of the namespace, the ServiceAccount and the webhook configuration."""
LISTEN, PROBES = f"{NODE_ADDRESS}:8443", f"{NODE_ADDRESS}:8080"
IS_PODS = frozenset({"Deployment", "PodDisruptionBudget"})
"""The kinds of what runs pods, which a process stands for."""
TOKEN_LIFETIME = "24h"
"""Longer than any run of the tests, and than most shells."""
NO_REFERENCE = "no:such:form"
"""An image that is judged without asking any registry."""
COMMAND = """\
#!/bin/sh
export PYTHONPATH="{checkout}" PULLCHECK_CONFIG="${{PULLCHECK_CONFIG:-{settings}}}"
exec "{python}" -m webhook "$@"
"""


@dataclass(frozen=True, slots=True)
class Pullcheck:
    """One that runs."""

    server: Server

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one kind."""
        lines = [line for line in self.server.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event.get("event") == name]

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by name and labels as they are written."""
        samples = (line.rpartition(" ") for line in probe("/metrics")[1].splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}


def start(cluster: Cluster) -> str:
    """Be a guest of a world: install pullcheck, put `pullcheck` on the PATH, and say what to know of it."""
    log = install(cluster).server.log
    command = cluster.directory / "bin" / NAME
    command.write_text(
        COMMAND.format(checkout=CHECKOUT, settings=cluster.directory / NAME / "pullcheck.yaml", python=sys.executable)
    )
    command.chmod(0o755)
    return (
        "pullcheck is installed, and warns where a namespace's label does not say otherwise.\n"
        f"Its log: {log}, its metrics: http://{PROBES}/metrics; `pullcheck check` goes by its settings.\n"
    )


def install(cluster: Cluster, settings: Mapping[str, Any] | None = None) -> Pullcheck:
    """Apply the manifests and start the process; return when the API server calls it.

    Args:
        cluster: Of any level.
        settings: What differs from the manifests' settings, beside what a process needs that is no pod; of a section,
            the keys that are given.

    Raises:
        StartError: The manifests were not taken, or the process did not become ready.
    """
    folder = cluster.directory / NAME
    run([sys.executable, "-m", "certs", folder, "--name", NODE_ADDRESS])
    *others, webhooks = _render(cluster, BASE)
    apply(cluster, *others)
    write_kubeconfig(cluster)
    server = start_process(cluster, NAME, write_settings(cluster, others, NAME, settings or {}))
    wait_until(lambda: probe("/readyz")[0] == 200, "pullcheck is ready", [server])
    apply(cluster, webhooks)
    wait_until(lambda: _is_called(cluster), "the API server calls pullcheck", [server])
    return Pullcheck(server)


def start_process(cluster: Cluster, name: str, settings: Path) -> Server:
    """Start one that reads the cluster as the ServiceAccount does; it serves when its `/readyz` says so."""
    environment = cluster.environment | {"KUBECONFIG": str(cluster.directory / NAME / "kubeconfig")}
    return processes.start(
        name, [sys.executable, "-m", "webhook", "serve", "--config", settings], cluster.logs, environment
    )


def apply_webhooks(cluster: Cluster, manifests: Path) -> None:
    """Apply the webhook configuration of other manifests; the API server goes by it within a second."""
    apply(cluster, _render(cluster, manifests)[-1])


def probe(path: str) -> tuple[int, str]:
    """Ask its plain door: status and text; status 0 while nobody answers."""
    connection = http.client.HTTPConnection(PROBES, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def read_manifests(cluster: Cluster, folder: Path) -> list[dict[str, Any]]:
    """Read manifests as kubectl does, without what runs pods; the webhooks come last."""
    documents = yaml.safe_load_all(run([cluster.directory / "bin" / "kubectl", "kustomize", folder]))
    kept = [document for document in documents if document["kind"] not in IS_PODS]
    kept.sort(key=lambda document: document["kind"] == "ValidatingWebhookConfiguration")
    return kept


def read_bundle(cluster: Cluster) -> str:
    """Read the authority that vouches for pullcheck, as `caBundle` has it."""
    return base64.b64encode((cluster.directory / NAME / "ca.crt").read_bytes()).decode()


def write_settings(cluster: Cluster, manifests: list[dict[str, Any]], name: str, settings: Mapping[str, Any]) -> Path:
    """Write NAME.yaml: the manifests' settings, then what a process needs, then `settings`, of sections key by key."""
    folder = cluster.directory / NAME
    (configuration,) = (document for document in manifests if document["kind"] == "ConfigMap")
    given = yaml.safe_load(configuration["data"]["pullcheck.yaml"])
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(_merge(_merge(given, _settings_of_a_process(cluster, folder)), settings)))
    return path


def _render(cluster: Cluster, manifests: Path) -> list[dict[str, Any]]:
    """Read the manifests, and make of them what a single process needs."""
    kept = [document for document in read_manifests(cluster, manifests) if document["kind"] != "Service"]
    for webhook in kept[-1]["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        webhook["clientConfig"] = {"url": f"https://{LISTEN}{path}", "caBundle": read_bundle(cluster)}
    return kept


def _settings_of_a_process(cluster: Cluster, folder: Path) -> dict[str, Any]:
    """The addresses and files that differ from a pod's, the world's authority, and the node's own hosts directory."""
    cluster.hosts_directory.mkdir(exist_ok=True)
    return {
        "listen": LISTEN,
        "probes": PROBES,
        "tls": {"source": "files", "certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")},
        "network": {"ca_files": [str(cluster.authority.folder / "ca.crt")]},
        "nodes": {"hosts_directory": str(cluster.hosts_directory)},
    }


def _merge(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Put others over settings, within their sections."""
    merged = {**settings, **others}
    both = [key for key in others if isinstance(others[key], Mapping) and isinstance(settings.get(key), Mapping)]
    return merged | {key: {**settings[key], **others[key]} for key in both}


def write_kubeconfig(cluster: Cluster) -> None:
    """Write a kubeconfig with a token of the ServiceAccount, as a pod would be given one."""
    path = cluster.directory / NAME / "kubeconfig"
    made = cluster.kubectl("--namespace", NAME, "create", "token", NAME, f"--duration={TOKEN_LIFETIME}")
    if made.returncode:
        raise StartError(f"no token for the ServiceAccount {NAME}\n{made.stderr}")
    server = {
        "server": f"https://{NODE_ADDRESS}:{SECURE_PORT}",
        "certificate-authority": str(cluster.authority.folder / "ca.crt"),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": NAME, "user": {"token": made.stdout.strip()}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": NAME}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))


def _is_called(cluster: Cluster) -> bool:
    """Whether the API server has learned of the webhooks: it does so within a second."""
    tried = cluster.kubectl("create", "deployment", "tried", f"--image={NO_REFERENCE}", "--dry-run=server")
    return "would be denied" in tried.stderr


def apply(cluster: Cluster, *documents: Mapping[str, Any]) -> None:
    """Apply documents.

    Raises:
        StartError: They were not taken.
    """
    applied = cluster.kubectl("apply", "--filename=-", text=yaml.safe_dump_all(documents))
    if applied.returncode:
        raise StartError(f"the manifests were not taken\n{applied.stderr}")


def run(command: list[str | Path]) -> str:
    """Run a command in the checkout: what it prints.

    Raises:
        StartError: It failed.
    """
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise StartError(f"{command[0]} ended with {ran.returncode}\n{ran.stderr}")
    return ran.stdout
