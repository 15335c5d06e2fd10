"""From settings to a pipeline: the wires are made and introduced to the stages here, for every command alike."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Protocol

from webhook.admission.workload import CustomKind, WorkloadKinds
from webhook.judging import Judging
from webhook.keychain.dockerconfig import Entries, parse_node_config
from webhook.memory import Observe, Times, ignore
from webhook.pipeline import Pipeline
from webhook.reading import Cluster, Memories
from webhook.registry.addresses import Address, Network
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import HostsFile, parse_hosts
from webhook.registry.exchange import Intent, Reply
from webhook.registry.proxies import read_proxies
from webhook.road import Road
from webhook.settings import Settings, wrong_value
from webhook.shortcuts import Shortcuts
from webhook.verdict.policy import Decision, NodeMeans, Policy, Rules, Softeners
from webhook.wire.cluster import KubernetesCluster
from webhook.wire.connections import Connections
from webhook.wire.domains import Domains
from webhook.wire.files import HostsDirectory, read_node_file
from webhook.wire.folder import FolderCluster
from webhook.wire.guard import Guard
from webhook.wire.manifests import read_manifests
from webhook.wire.registries import Registries
from webhook.wire.trust import Trust

MAX_KNOWN_HOSTS = 1024
"""Registries whose hosts.toml is kept parsed; clusters use tens."""


class OpenCluster(Cluster, Protocol):
    """A cluster that has something to close."""

    async def close(self) -> None:
        """Close what is open."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told of every request that leaves."""

    registry: Callable[[Intent, Reply, float], None] = lambda _intent, _reply, _seconds: None
    cluster: Callable[[str, str], None] = lambda _resource, _outcome: None
    memory: Observe = ignore


@dataclass(frozen=True, slots=True)
class Composition:
    """A pipeline with all that it stands on."""

    pipeline: Pipeline
    kinds: WorkloadKinds
    rules: Rules
    cluster: OpenCluster
    registries: Registries
    connections: Connections
    guard: Guard

    async def close(self) -> None:
        """Close every connection and thread pool."""
        await self.connections.close()
        await self.cluster.close()
        self.guard.close()


def compose(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    cluster: OpenCluster | None = None,
    observers: Observers | None = None,
) -> Composition:
    """Make a pipeline; to be called in the event loop that will use it.

    Args:
        settings: As read.
        environ: For the proxies, and for the API server's own address, which no image may lead to.
        cluster: Instead of the one that the settings name.
        observers: Told of every request.

    Raises:
        SettingsError: A file or folder that the settings name is not there, or is not what it should be.
        ClusterConfigurationError: The settings name a cluster that nothing here leads to.
        UnreadableManifestError: The settings name a folder that cannot be read.
        MalformedProxyError: A proxy variable holds no URL.
    """
    watching = observers or Observers()
    network = settings.network
    destinations = _destinations(settings, environ)
    # What can fail comes first: nothing is open yet.
    trust, road, proxies = _trust(network.ca_files), _road(settings, destinations), read_proxies(environ)
    node_entries = _node_entries(settings.nodes.docker_config)
    reader = cluster or open_cluster(settings.cluster, watching)
    guard = Guard(destinations.judge_address, timeout_seconds=network.connect_timeout_seconds)
    connections = Connections(
        guard,
        trust,
        connect_seconds=network.connect_timeout_seconds,
        response_seconds=network.response_timeout_seconds,
    )
    process_key = secrets.token_bytes(32)
    times, entries, observe = _times(settings), settings.memory.entries, watching.memory
    registries = Registries(
        connections,
        judge_url=destinations.judge_url,
        find_proxy=proxies.find,
        per_registry=network.per_registry,
        shortcuts=Shortcuts(process_key, seconds=times.tokens_seconds, entries=entries, observe=observe),
        observe=watching.registry,
    )
    kinds, rules = _kinds(settings), _rules(settings)
    judging = Judging(
        registries=registries,
        road=road,
        rules=rules,
        process_key=process_key,
        memories=Memories.of(reader, times, entries=entries, node_entries=node_entries, observe=observe),
    )
    return Composition(Pipeline(judging, kinds, rules), kinds, rules, reader, registries, connections, guard)


def _times(settings: Settings) -> Times:
    memory = settings.memory
    return Times(
        tags_seconds=memory.tags_seconds,
        digests_seconds=memory.digests_seconds,
        tokens_seconds=memory.tokens_seconds,
        secrets_seconds=memory.secrets_seconds,
        nodes_seconds=memory.nodes_seconds,
    )


def _trust(ca_files: tuple[Path, ...]) -> Trust:
    """Read the authorities now: a file that cannot be read would make every registry look untrustworthy."""
    trust = Trust(tuple(str(file) for file in ca_files))
    for file in ca_files:
        try:
            Trust((str(file),)).context()
        except OSError:
            raise wrong_value("network.ca_files", str(file), "a readable file of PEM certificates") from None
    return trust


def open_cluster(name: str, observers: Observers | None = None) -> OpenCluster:
    """Open what the setting `cluster` names: `kubernetes`, `none`, or a folder of manifests."""
    if name == "kubernetes":
        return KubernetesCluster(observe=(observers or Observers()).cluster)
    return FolderCluster([] if name == "none" else [manifest.content for manifest in read_manifests(name)])


def _destinations(settings: Settings, environ: Mapping[str, str]) -> Destinations:
    network = settings.network
    return Destinations(
        registrable_domain=Domains().registrable_domain,
        allowed_hosts=network.allowed_hosts,
        denied_hosts=network.denied_hosts,
        loopback=network.loopback,
        private=network.private,
        allowed_networks=_networks(network.allowed_networks),
        denied_networks=_networks(network.denied_networks),
        denied_addresses=_api_server(environ),
        insecure_hosts=network.insecure_hosts,
        realms=network.realms,
    )


def _networks(texts: tuple[object, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(str(text)) for text in texts)


def _api_server(environ: Mapping[str, str]) -> frozenset[Address]:
    try:
        return frozenset({ip_address(environ.get("KUBERNETES_SERVICE_HOST", ""))})
    except ValueError:
        return frozenset()


def _road(settings: Settings, destinations: Destinations) -> Road:
    nodes = settings.nodes
    return Road(
        destinations=destinations,
        find_hosts=_hosts_finder(nodes.hosts_directory),
        pull_through=nodes.pull_through,
    )


def _hosts_finder(directory: Path | None) -> Callable[[str], HostsFile | None]:
    if directory is None:
        return lambda _: None
    if not directory.is_dir():
        # On a node that is no fault. Here it is a misspelt path, or a volume that is missing.
        raise wrong_value("nodes.hosts_directory", str(directory), "a folder that exists")
    files = HostsDirectory(directory)

    @lru_cache(MAX_KNOWN_HOSTS)
    def find(registry: str) -> HostsFile | None:
        found = files.find(registry)
        return parse_hosts(found.text, found.directory) if found else None

    return find


def _node_entries(path: Path | None) -> Entries | None:
    """Read a node's config.json. The kubelet passes over one that it cannot read; here an operator named it."""
    if path is None:
        return None
    body = read_node_file(path)
    entries = parse_node_config(body) if body is not None else None
    if not isinstance(entries, Entries):
        raise wrong_value("nodes.docker_config", str(path), "a readable docker config")
    return entries


def _rules(settings: Settings) -> Rules:
    softened, policy = settings.softened, settings.policy
    return Rules(
        policy=Policy(**{resolution: Decision(choice) for resolution, choice in policy}),
        softeners=Softeners(
            absent_secret=Decision(softened.absent_secret),
            controlled=Decision(softened.controlled),
            inactive=Decision(softened.inactive),
            on_node=Decision(softened.on_node),
        ),
        means=NodeMeans(authenticated=settings.nodes.authenticated, preloaded=settings.nodes.preloaded),
        ignored_images=settings.ignored_images,
        override_annotation=settings.override_annotation,
    )


def _kinds(settings: Settings) -> WorkloadKinds:
    return WorkloadKinds(CustomKind(kind.group, kind.kind, kind.pod_spec) for kind in settings.workloads)
