"""pullcheck as the manifests run it: two replicas behind their Service, which can be ended and started one by one.

The API server resolves a webhook's `service:` itself (--enable-aggregator-routing): a new connection goes to any ready
endpoint, one that exists stays. What tells it of the endpoints in a cluster, the kubelet's probes and a controller, is
a thread here that asks every replica's `/readyz`.
"""

import contextlib
import http.client
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import pullcheck
from tests.cluster.here import Cluster
from tests.cluster.processes import Server, StartError, wait_until
from tests.cluster.pullcheck import NAME

ADDRESSES = ("10.88.0.4", "10.88.0.5")
LOOK_SECONDS = 1.0
"""Between two looks at who is ready: about what a cluster takes to tell the API server that a pod goes."""
PROBE_SECONDS = 1.0
"""As the kubelet's default: who answers later is not ready."""
SLICE = f"/apis/discovery.k8s.io/v1/namespaces/{NAME}/endpointslices/{NAME}?fieldManager=tests&force=true"


@dataclass(slots=True)
class Replica:
    """One, whether it runs or not; its log goes on from one process to the next."""

    cluster: Cluster
    name: str
    address: str
    settings: Path
    server: Server | None = None
    is_leaving: bool = False
    """Counts as not ready, whatever it says: so do pods that are being deleted."""

    def start(self) -> None:
        """Start its process; it is ready later."""
        self.server = pullcheck.start_process(self.cluster, self.name, self.settings)

    def is_ready(self) -> bool:
        """Whether its `/readyz` says so."""
        if self.is_leaving:
            return False
        connection = http.client.HTTPConnection(self.address, 8080, timeout=PROBE_SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def end(self) -> int:
        """Let it end as the kubelet does, and wait for that; return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        if self.server:
            self.server.process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        server, self.server = self.server, None
        if server is None:
            return 0
        server.process.send_signal(number)
        server.process.wait()
        server.stop()
        return server.process.returncode


@dataclass(slots=True)
class Fleet:
    """All of them, and the thread that tells the API server which are ready."""

    cluster: Cluster
    replicas: Sequence[Replica]
    webhooks: Mapping[str, Any]
    """The configuration of the webhooks, as it was applied."""
    is_watched: bool = True
    """While it is not, the API server keeps to what it knows, as if the endpoints' controller were away."""
    known: frozenset[str] | None = None
    """The addresses that the API server was told of."""
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start those that do not run; return when the API server knows that all are ready."""
        self.is_watched, self.known = True, None
        for replica in self.replicas:
            if replica.server is None:
                replica.start()
        self.wait_for(*self.replicas)

    def wait_for(self, *replicas: Replica) -> None:
        """Wait until the API server knows that these are ready."""
        servers = [replica.server for replica in replicas if replica.server]
        names = {replica.address for replica in replicas}
        wait_until(lambda: names <= (self.known or frozenset()), f"{sorted(names)} are ready", servers)

    def kill(self) -> None:
        """End all without a word."""
        for replica in self.replicas:
            replica.kill()

    def look(self) -> None:
        """Tell the API server who is ready, if that is news."""
        ready = frozenset(replica.address for replica in self.replicas if replica.is_ready())
        if ready != self.known and self.is_watched and _write_slice(self.cluster, sorted(ready)):
            self.known = ready

    def watch(self) -> None:
        """Look again and again, until `stop`."""
        while not self._stopping.wait(LOOK_SECONDS):
            if self.is_watched:
                self.look()

    def stop(self) -> None:
        """End the thread and the processes."""
        self._stopping.set()
        self.kill()


@contextlib.contextmanager
def install(cluster: Cluster, settings: Mapping[str, Any] | None = None) -> Iterator[Fleet]:
    """Apply the manifests and start the replicas; within the block the API server calls them.

    Args:
        cluster: Of level `api`: with controllers, they would see to the endpoints too.
        settings: What differs from the manifests' settings, beside what a process needs.

    Raises:
        StartError: The manifests were not taken, or a replica did not become ready.
    """
    pullcheck.run([sys.executable, "-m", "certs", cluster.directory / NAME])
    *others, webhooks = pullcheck.read_manifests(cluster, pullcheck.BASE)
    for document in others:
        if document["kind"] == "Service":
            del document["spec"]["selector"]
    pullcheck.apply(cluster, *others)
    pullcheck.write_kubeconfig(cluster)
    for webhook in webhooks["webhooks"]:
        webhook["clientConfig"]["caBundle"] = pullcheck.read_bundle(cluster)
    prepared = [_prepare(cluster, others, number, settings or {}) for number in range(len(ADDRESSES))]
    fleet = Fleet(cluster, prepared, webhooks)
    watching = threading.Thread(target=fleet.watch, name="endpoints", daemon=True)
    watching.start()
    try:
        fleet.start()
        pullcheck.apply(cluster, webhooks)
        yield fleet
    finally:
        fleet.stop()
        watching.join()


def _prepare(cluster: Cluster, manifests: list[dict[str, Any]], number: int, settings: Mapping[str, Any]) -> Replica:
    name, address = f"{NAME}-{number + 1}", ADDRESSES[number]
    cluster.add_address(address, name)
    own = {"listen": f"{address}:8443", "probes": f"{address}:8080"}
    return Replica(cluster, name, address, pullcheck.write_settings(cluster, manifests, name, {**settings, **own}))


def _write_slice(cluster: Cluster, addresses: Sequence[str]) -> bool:
    """Have the Service lead to these addresses; False if the API server did not take it."""
    document = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
    }
    connection = cluster.connect(timeout_seconds=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("PATCH", SLICE, json.dumps(document), {"Content-Type": "application/apply-patch+yaml"})
        answer = connection.getresponse()
        if answer.status in (200, 201):
            return True
        raise StartError(f"the EndpointSlice was not taken\n{answer.read().decode()}")
    return False
