"""The control plane: etcd and the API server (level `api`), the controllers and the scheduler (level `cluster`)."""

from pathlib import Path

import yaml

from tests.cluster.authority import Authority
from tests.cluster.here import SECURE_PORT, Cluster
from tests.cluster.processes import Server, wait_until
from tests.cluster.world import NODE_ADDRESS

SERVICE_ADDRESSES, SERVICE_ADDRESS = "10.96.0.0/16", "10.96.0.1"
ISSUER = "https://kubernetes.default.svc.cluster.local"
# Which workloads are written, by whom, and what webhooks say of it for the record. Of what controllers make they can
# tell nobody else.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch"],
            "resources": [{"group": ""}, {"group": "apps"}, {"group": "batch"}],
        },
        {"level": "None"},
    ],
}
API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def write_kubeconfig(path: Path, authority: Authority, *, user: str, group: str = "") -> Path:
    """Write a kubeconfig for a user, with a certificate of its own."""
    certificate, key = authority.issue(path.stem, common_name=user, organization=group)
    server = {
        "server": f"https://{NODE_ADDRESS}:{SECURE_PORT}",
        "certificate-authority": str(authority.folder / "ca.crt"),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": user, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(content))
    return path


def start_api(cluster: Cluster) -> list[Server]:
    """Start etcd and the API server; return when it is ready."""
    authority = cluster.authority
    etcd = cluster.start(
        "etcd",
        "etcd",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--data-dir={cluster.directory}/etcd",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
    )
    certificate, key = authority.issue("kube-apiserver", hosts=[*API_NAMES, "127.0.0.1", NODE_ADDRESS, SERVICE_ADDRESS])
    client_certificate, client_key = authority.issue("kube-apiserver-kubelet-client", organization="system:masters")
    authority.write_key("service-account")
    write_kubeconfig(cluster.kubeconfig, authority, user="admin", group="system:masters")
    policy = cluster.directory / "audit-policy.yaml"
    policy.write_text(yaml.safe_dump(AUDIT_POLICY))
    api = cluster.start(
        "kube-apiserver",
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--secure-port={SECURE_PORT}",
        f"--bind-address={NODE_ADDRESS}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--client-ca-file={authority.folder}/ca.crt",
        f"--kubelet-client-certificate={client_certificate}",
        f"--kubelet-client-key={client_key}",
        f"--kubelet-certificate-authority={authority.folder}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={authority.folder}/service-account.pub",
        f"--service-account-signing-key-file={authority.folder}/service-account.key",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={cluster.audit_log}",
        # A webhook's `service:` goes straight to its endpoints: there is no kube-proxy.
        "--enable-aggregator-routing",
    )
    servers = [etcd, api]
    wait_until(lambda: cluster.get("/readyz")[0] == 200, "the API server is ready", servers)
    return servers


def start_controllers(cluster: Cluster) -> list[Server]:
    """Start the controller manager and the scheduler."""
    authority = cluster.authority
    manager = write_kubeconfig(
        cluster.directory / "kube-controller-manager.kubeconfig", authority, user="system:kube-controller-manager"
    )
    scheduler = write_kubeconfig(
        cluster.directory / "kube-scheduler.kubeconfig", authority, user="system:kube-scheduler"
    )
    quick = ("--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400")
    return [
        cluster.start(
            "kube-controller-manager",
            "kube-controller-manager",
            *quick,
            f"--kubeconfig={manager}",
            "--use-service-account-credentials",
            f"--root-ca-file={authority.folder}/ca.crt",
            f"--service-account-private-key-file={authority.folder}/service-account.key",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        ),
        cluster.start("kube-scheduler", "kube-scheduler", *quick, f"--kubeconfig={scheduler}"),
    ]


def wait_for_service_account(cluster: Cluster, servers: list[Server]) -> None:
    """Wait until pods can be created: each needs its namespace's service account."""
    path = "/api/v1/namespaces/default/serviceaccounts/default"
    wait_until(lambda: cluster.get(path)[0] == 200, "the default service account exists", servers)
