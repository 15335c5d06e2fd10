"""Everything that a fault needs: its registry, the way there, a cluster with secrets, and the real webhook."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.apiserver import Manifest
from tests.fakes.certificates import Pair
from tests.faults import cases
from tests.faults.acts import Act
from tests.faults.apiserver import ClusterServer, write_kubeconfig
from tests.faults.certificates import Certificates
from tests.faults.fault import Fault
from tests.faults.registry import ADDRESSES, FaultyRegistry, Speaker, closed_port
from tests.servers.hosts import send
from tests.servers.webhook import Webhook, webhook

CLOSED_PORT = 1
"""Nobody without privileges can listen there."""


@dataclass(slots=True)
class Stage:
    """What was built, and how a webhook is led to it."""

    folder: Path
    certificates: Certificates
    stack: ExitStack
    hosts: Path = field(init=False)
    ports: dict[str, int] = field(default_factory=dict)
    """By fault."""
    registries: dict[str, FaultyRegistry] = field(default_factory=dict)
    """Those that speak HTTP."""

    def __post_init__(self) -> None:
        self.hosts = self.folder / "certs.d"
        self.hosts.mkdir(parents=True)

    def build(self, faults: Iterable[Fault]) -> None:
        """Start the registries of faults, and lead the registries' names to them."""
        for fault in faults:
            self.ports[fault.name] = self._start(fault)
            for case in cases.of(fault.name):
                address = f"{ADDRESSES[case.way.number - 1]}:{self.ports[fault.name]}"
                send(self.hosts, case.registry, fault.server.format(address=address, number=case.way.number))

    def lead(self, name: str, to: str) -> None:
        """Lead the registries of every way of a name to the registry of a fault."""
        for case in cases.of(name):
            send(self.hosts, case.registry, f"https://{ADDRESSES[case.way.number - 1]}:{self.ports[to]}")

    def serve_cluster(
        self, ailments: Mapping[str, Act] | None = None, secrets: Mapping[str, Manifest | None] | None = None
    ) -> ClusterServer:
        """Start an API server."""
        return self.stack.enter_context(ClusterServer(self.certificates.context("good"), ailments, secrets))

    def run(
        self,
        pair: Pair,
        cluster: str,
        environ: Mapping[str, str] | None = None,
        launcher: Sequence[str | Path] = (),
    ) -> Webhook:
        """Start the webhook in a process of its own, with the URL of its cluster."""
        folder = self.folder / f"webhook-{cluster.rpartition(':')[2]}"
        folder.mkdir()
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(write_kubeconfig(cluster, str(self.certificates.authority)))
        variables = {"KUBECONFIG": str(kubeconfig), **(environ or {})}
        return self.stack.enter_context(webhook(folder, pair, self.settings(), variables, launcher))

    def settings(self) -> dict[str, object]:
        """The settings beside what every webhook of the tests has."""
        return {
            "network": {
                "loopback": True,
                "ca_files": [str(self.certificates.authority)],
                "realms": {f"*.{cases.DOMAIN}": [f"{address}:{CLOSED_PORT}" for address in ADDRESSES]},
            },
            "nodes": {"hosts_directory": str(self.hosts)},
        }

    def _start(self, fault: Fault) -> int:
        if fault.is_refused:
            return self.stack.enter_context(closed_port())
        if fault.speech is not None:
            return self.stack.enter_context(Speaker(fault.speech)).port
        registry = FaultyRegistry(fault, self.certificates.context(fault.certificate))
        self.registries[fault.name] = self.stack.enter_context(registry)
        return registry.port


@contextmanager
def stage(folder: Path, *names: str) -> Iterator[Stage]:
    """Build a stage; the names are those of servers beside their addresses."""
    with ExitStack() as stack:
        yield Stage(folder, Certificates(folder / "certificates", ["127.0.0.1", *ADDRESSES, *names]), stack)
