"""How much of a cluster a test asks for, what that needs of the machine, and how it is started."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster import kubernetes, node, servers, world
from tests.cluster.here import Cluster

PROGRAMS: dict[str, tuple[str, ...]] = {"api": ("etcd", "kube-apiserver", "kubectl")}
PROGRAMS["cluster"] = (*PROGRAMS["api"], "kube-controller-manager", "kube-scheduler")
PROGRAMS["node"] = (
    *PROGRAMS["cluster"],
    *("containerd", "containerd-shim-runc-v2", "ctr", "kubelet", "pause"),
    *("ptp", "loopback", "host-local"),
)
# What Debian has, and the level from which on it is needed.
SYSTEM_PROGRAMS: dict[str, tuple[str, ...]] = {"api": ("unshare", "mount", "ip")}
SYSTEM_PROGRAMS["cluster"] = SYSTEM_PROGRAMS["api"]
SYSTEM_PROGRAMS["node"] = (*SYSTEM_PROGRAMS["api"], "runc")
PACKAGES = Path(__file__).with_name("packages.txt").read_text().split()
"""The Debian packages that bring them."""


def find_obstacle(level: str) -> str | None:
    """What is lacking for a cluster of this level, and how to get it, in one line; None if this machine can run one.

    The line is the same for every level that lacks anything, so that many tests say it once.
    """
    remedies = []
    if os.geteuid() != 0:
        remedies.append("be root")
    if not all(map(servers.find, SYSTEM_PROGRAMS[level])):
        remedies.append(f"apt-get install {' '.join(PACKAGES)}")
    if not all(map(servers.find, PROGRAMS[level])):
        remedies.append("make servers" if shutil.which("go") else "install Go 1.26.6 or later; make servers")
    if not remedies and (refusal := world.find_obstacle()):
        remedies.append(f"use a machine, or a privileged container, that allows namespaces ({refusal})")
    return f"no Kubernetes of the tests' own: {'; '.join(remedies)}" if remedies else None


def start(cluster: Cluster, level: str) -> None:
    """Start everything the level has; return when it is usable.

    Raises:
        StartError: something did not become ready.
    """
    cluster.link_programs({*PROGRAMS[level], "registry"})
    with ThreadPoolExecutor() as beside:
        containerd = beside.submit(node.start_containerd, cluster) if level == "node" else None
        running = kubernetes.start_api(cluster)
        if level == "api":
            return
        running += kubernetes.start_controllers(cluster)
        if containerd:
            running += [containerd.result(), node.start_kubelet(cluster)]
    kubernetes.wait_for_service_account(cluster, running)
    if containerd:
        node.wait_for_node(cluster, running)
