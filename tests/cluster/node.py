"""The node: containerd and the kubelet (level `node`)."""

import json
from typing import Any

import yaml

from tests.cluster import images, servers
from tests.cluster.here import Cluster
from tests.cluster.kubernetes import write_kubeconfig
from tests.cluster.processes import Server, StartError, wait_until
from tests.cluster.world import NODE, NODE_ADDRESS

PAUSE_IMAGE = "localhost/pause:1"
PODS_NETWORK = "10.99.0.0/16"

CONTAINERD = """\
version = 3
root = "{directory}/containerd/root"
state = "{directory}/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
  address = "{directory}/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "{directory}/containerd/opt"

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"

[plugins."io.containerd.cri.v1.images".registry]
  # One folder only: with a list of folders the transfer service finds no hosts.toml at all.
  config_path = "{directory}/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{directory}/bin"]
  conf_dir = "{directory}/cni/configuration"
"""


def start_containerd(cluster: Cluster) -> Server:
    """Start containerd, and give it the pods' network and the sandbox image."""
    directory = cluster.directory
    cluster.hosts_directory.mkdir(exist_ok=True)
    network = directory / "cni" / "configuration"
    network.mkdir(parents=True)
    (network / "10-pods.conflist").write_text(json.dumps(_network(str(directory / "cni" / "state"))))
    (directory / "containerd.toml").write_text(CONTAINERD.format(directory=directory, pause=PAUSE_IMAGE))
    containerd = cluster.start("containerd", "containerd", "--config", directory / "containerd.toml")
    pause = servers.find("pause")
    if not pause:
        raise StartError("pause was not found: run `make servers`")
    images.write_archive(directory / "pause.tar", PAUSE_IMAGE, pause)
    wait_until((directory / "containerd.sock").exists, "containerd listens", [containerd])
    import_image(cluster, "pause.tar")
    return containerd


def import_image(cluster: Cluster, archive: str) -> None:
    """Load an image archive from the cluster's folder onto the node, where pods find it without any registry."""
    address = f"--address={cluster.directory}/containerd.sock"
    importing = cluster.start(
        f"import-{archive}", "ctr", address, "--namespace=k8s.io", "images", "import", cluster.directory / archive
    )
    if importing.process.wait():
        raise StartError(f"{archive} could not be imported\n{importing.last_words()}")


def start_kubelet(cluster: Cluster) -> Server:
    """Start the kubelet."""
    directory = cluster.directory
    certificate, key = cluster.authority.issue("kubelet", hosts=[NODE, NODE_ADDRESS])
    kubeconfig = write_kubeconfig(
        directory / "node.kubeconfig", cluster.authority, user=f"system:node:{NODE}", group="system:nodes"
    )
    cluster.static_pods.mkdir()
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "x509": {"clientCAFile": f"{cluster.authority.folder}/ca.crt"},
            "anonymous": {"enabled": False},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{directory}/containerd.sock",
        "staticPodPath": str(cluster.static_pods),
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        # This machine's own needs are not the kubelet's business.
        "cgroupDriver": "cgroupfs",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        # Tests pull many images at once, and a queue would hide what each pull says.
        "serializeImagePulls": False,
        "maxParallelImagePulls": 20,
        "registryPullQPS": 0,
        "maxPods": 500,
    }
    (directory / "kubelet.yaml").write_text(yaml.safe_dump(configuration))
    return cluster.start(
        "kubelet",
        "kubelet",
        f"--config={directory}/kubelet.yaml",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={directory}/kubelet",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
    )


def wait_for_node(cluster: Cluster, servers: list[Server]) -> None:
    """Wait until pods can be scheduled: the node is Ready and the taint from before is gone."""

    def is_usable() -> bool:
        status, node = cluster.get(f"/api/v1/nodes/{NODE}")
        return status == 200 and not node["spec"].get("taints") and _is_ready(node)

    wait_until(is_usable, f"{NODE} is ready", servers)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _network(state: str) -> dict[str, Any]:
    ranges = {"ranges": [[{"subnet": PODS_NETWORK}]], "routes": [{"dst": "0.0.0.0/0"}]}
    addresses = {"type": "host-local", "dataDir": state, **ranges}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": addresses}]}
