"""The cluster as code inside its world sees it: its files, its API, and what one may add to it."""

import functools
import http.client
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import processes, servers, world
from tests.cluster.authority import Authority

REQUEST_TIMEOUT_SECONDS = 10
SECURE_PORT = 6443


@dataclass(frozen=True)
class Cluster:
    """A cluster, known by its folder. Everything in that folder dies with the world."""

    directory: Path

    @classmethod
    def here(cls) -> "Cluster":
        """The cluster whose world this code runs in."""
        return cls(Path(os.environ["CLUSTER_DIRECTORY"]))

    @property
    def kubeconfig(self) -> Path:
        """An administrator's."""
        return self.directory / "admin.kubeconfig"

    @property
    def logs(self) -> Path:
        """A file for each server."""
        return self.directory / "logs"

    @property
    def audit_log(self) -> Path:
        """What the API server records of writes to workloads: an event, as JSON, a line."""
        return self.logs / "audit.log"

    @property
    def hosts_directory(self) -> Path:
        """The node's `certs.d`: containerd reads NAME/hosts.toml at every pull."""
        return self.directory / "certs.d"

    @property
    def static_pods(self) -> Path:
        """The manifests of pods that the kubelet runs without being told by the API server."""
        return self.directory / "static-pods"

    @functools.cached_property
    def authority(self) -> Authority:
        """The authority of the cluster's own certificates, which also serves for stand-in registries."""
        return Authority(self.directory / "pki")

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to use the cluster, beside what it has."""
        path = [str(self.directory / "bin"), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
        return {
            "CLUSTER_DIRECTORY": str(self.directory),
            "KUBECONFIG": str(self.kubeconfig),
            # kubectl's memory of what an API server offers: below HOME it would be shared between worlds.
            "KUBECACHEDIR": str(self.directory / "kubectl"),
            "PATH": os.pathsep.join(path),
        }

    def start(self, name: str, program: str, *arguments: str | Path) -> processes.Server:
        """Start a server, `program` being a built one or one on the PATH; it lives until `stop` or the world's end."""
        found = servers.find(program)
        if not found:
            raise processes.StartError(f"{program} was not found: run `make servers`, or install it")
        self.logs.mkdir(exist_ok=True)
        return processes.start(name, [found, *arguments], self.logs, self.environment)

    def kubectl(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl with `text` as its input; its exit code is the caller's to judge."""
        return subprocess.run(
            [self.directory / "bin" / "kubectl", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.environment,
        )

    def get(self, path: str) -> tuple[int, Any]:
        """Ask the API server as administrator: status and JSON (or text); status 0 while nobody answers."""
        connection = self.connect(REQUEST_TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()
        return answer.status, json.loads(body) if body.startswith(b"{") else body.decode()

    def connect(self, timeout_seconds: float) -> http.client.HTTPSConnection:
        """A connection to the API server as administrator, which opens with its first request."""
        return http.client.HTTPSConnection(
            world.NODE_ADDRESS, SECURE_PORT, context=self.administrator, timeout=timeout_seconds
        )

    def add_address(self, address: str, *hosts: str) -> None:
        """Give the world one more address (10.88.0.2 and up), known by these names."""
        world.add_address(address, hosts)

    def trust(self, registry: str, toml: str = "") -> None:
        """Tell the node about a registry: by default that it speaks https, certified by the cluster's authority.

        Args:
            registry: the name as image references spell it, `host` or `host:port`.
            toml: the whole hosts.toml instead.
        """
        folder = self.hosts_directory / registry
        folder.mkdir(parents=True, exist_ok=True)
        default = f'server = "https://{registry}"\nca = "{self.authority.folder}/ca.crt"\n'
        (folder / "hosts.toml").write_text(toml or default)

    def link_programs(self, names: Iterable[str]) -> None:
        """Put the built servers into one folder, which is on the PATH of everything in the world."""
        folder = self.directory / "bin"
        folder.mkdir(exist_ok=True)
        for name in names:
            if found := servers.find(name):
                (folder / name).symlink_to(found)

    def save_logs(self, folder: Path) -> None:
        """Copy the servers' logs to a folder outside, for reading after the world's end."""
        shutil.copytree(self.logs, folder, dirs_exist_ok=True)

    @functools.cached_property
    def administrator(self) -> ssl.SSLContext:
        """What a client of the API server needs to be an administrator."""
        context = ssl.create_default_context(cafile=str(self.authority.folder / "ca.crt"))
        context.load_cert_chain(self.authority.folder / "admin.crt", self.authority.folder / "admin.key")
        return context
