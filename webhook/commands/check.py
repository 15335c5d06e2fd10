"""`pullcheck check`: the webhook's engine for images and manifests, without a cluster."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from webhook.admission.deadline import DeadlineLimits
from webhook.commands.candidates import Candidate, Candidates, conclude
from webhook.composition import OpenCluster, compose, open_cluster
from webhook.keychain.dockerconfig import MalformedConfig, parse_node_config
from webhook.registry.proxies import MalformedProxyError
from webhook.report import json, text
from webhook.report.result import Result, show
from webhook.settings import Settings, SettingsError
from webhook.verdict.policy import Decision, Mode
from webhook.wire.cluster import ClusterConfigurationError
from webhook.wire.files import read_node_file
from webhook.wire.folder import DEFAULT_NAMESPACE, FolderCluster
from webhook.wire.manifests import Manifest, UnreadableManifestError, read_manifests

MAX_OBJECTS_AT_ONCE = 8
"""As many as connections to one registry by default, so that no object waits its deadline away for another."""
NOTHING_DENIED, SOMETHING_DENIED = 0, 1
_EXPECTED_FAULTS = (SettingsError, ClusterConfigurationError, UnreadableManifestError, MalformedProxyError)
"""What a person can mend; each one's text is one line."""
_FAILING = {
    "deny": frozenset({Decision.DENY}),
    "warn": frozenset({Decision.DENY, Decision.WARN}),
    "never": frozenset[Decision](),
}


_NO_OBJECTS = "no objects in it"
"""An empty pipe is most often a renderer that failed; kubectl refuses it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pod:
    """The bare pod that would pull the images of the command line."""

    images: tuple[str, ...]
    service_account: str
    pull_secrets: tuple[str, ...]


@click.command(short_help="Check images and manifests, without a cluster.")
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@click.option("files", "-f", "--filename", metavar="FILE|DIR|-", multiple=True, help="Manifests in YAML or JSON.")
@click.option("-n", "--namespace", default=DEFAULT_NAMESPACE, help="Of images, and of objects that name none.")
@click.option("--service-account", metavar="NAME", default="", help="Of the pod that would pull IMAGE.")
@click.option("--pull-secret", metavar="NAME", multiple=True, help="Of the pod that would pull IMAGE.")
@click.option("--docker-config", metavar="FILE", type=click.Path(path_type=Path), help="A node's config.json.")
@click.option("--cluster", metavar="none|kubernetes|DIR", help="Where secrets and service accounts are; default: none.")
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="The webhook's settings, in YAML.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["deny", "warn", "never"]), default="deny", show_default=True)
def check(  # noqa: PLR0913 (one parameter an option)
    *,
    images: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str,
    service_account: str,
    pull_secret: tuple[str, ...],
    docker_config: Path | None,
    cluster: str | None,
    config: Path | None,
    output: str,
    fail_on: str,
) -> int:
    """Say of each IMAGE, and of each image in manifests, whether it can be pulled.

    The answer is the webhook's. Secrets and service accounts among the manifests count as the cluster's. An image is
    asked for as a bare pod would. Exit codes: 0 good, 1 something would be denied (see --fail-on), 2 wrong usage,
    settings or input.
    """
    _refuse_files(images)
    if not images and not files:
        raise click.UsageError("nothing to check: name an IMAGE, or manifests with -f")
    try:
        settings = _settle(Settings.read(os.environ, config), cluster, docker_config)
        manifests = [manifest for path in files for manifest in _read(path)]
        pod = _Pod(images=images, service_account=service_account, pull_secrets=pull_secret)
        results = asyncio.run(_judge(settings, pod, manifests, namespace))
    except _EXPECTED_FAULTS as fault:
        raise click.UsageError(str(fault)) from None
    _tell(settings, results, output)
    is_failed = any(result.decision in _FAILING[fail_on] for result in results)
    return SOMETHING_DENIED if is_failed else NOTHING_DENIED


def _refuse_files(images: Iterable[str]) -> None:
    """Refuse an argument that is a file's name: it was meant for -f, and would be denied as an image."""
    for image in images:
        if _is_file(image):
            raise click.UsageError(f"{show(image)} is a file; did you mean -f {show(image)}?")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _read(path: str) -> tuple[Manifest, ...]:
    found = read_manifests(path)
    if not found:
        raise UnreadableManifestError(f"{path}: {_NO_OBJECTS}")
    return found


def _settle(settings: Settings, cluster: str | None, docker_config: Path | None) -> Settings:
    """Lay the options over the settings. Without a cluster in either, check asks none."""
    named = settings.cluster if "cluster" in settings.model_fields_set else "none"
    if docker_config:
        _refuse_unreadable(docker_config)
        nodes = settings.nodes.model_copy(update={"docker_config": docker_config})
        settings = settings.model_copy(update={"nodes": nodes})
    return settings.model_copy(update={"cluster": cluster or named})


def _refuse_unreadable(docker_config: Path) -> None:
    """Refuse what the kubelet would pass over in silence: here somebody named it."""
    body = read_node_file(docker_config)
    if body is None:
        raise click.UsageError(f"{show(str(docker_config))}: cannot be read")
    entries = parse_node_config(body)
    if isinstance(entries, MalformedConfig):
        raise click.UsageError(f"{show(str(docker_config))}: is no docker config ({show(entries.reason)})")


async def _judge(settings: Settings, pod: _Pod, manifests: Sequence[Manifest], namespace: str) -> list[Result]:
    composition = compose(settings, os.environ, cluster=_open_cluster(settings.cluster, manifests, namespace))
    try:
        candidates = _find_candidates(Candidates(composition, Mode(settings.mode), namespace), pod, manifests)
        slots = asyncio.Semaphore(MAX_OBJECTS_AT_ONCE)
        seconds = _seconds_for_each(settings)

        async def judge(candidate: Candidate) -> Result:
            async with slots:
                return conclude(candidate, await composition.pipeline.judge(candidate.case, seconds))

        return await asyncio.gather(*map(judge, candidates))
    finally:
        await composition.close()


def _find_candidates(candidates: Candidates, pod: _Pod, manifests: Iterable[Manifest]) -> list[Candidate]:
    """List what there is to judge: images first, then objects, each in the order of the command line."""
    images = [candidates.of_image(image, pod.service_account, pod.pull_secrets) for image in pod.images]
    found = [candidates.of_manifest(manifest) for manifest in manifests]
    return images + [candidate for candidate in found if candidate]


def _open_cluster(name: str, manifests: Iterable[Manifest], namespace: str) -> OpenCluster:
    """Lay the manifests over the cluster that is named: what they hold will be applied with the rest."""
    given = [manifest.content for manifest in manifests]
    if name == "kubernetes":
        return FolderCluster(given, namespace=namespace, beneath=open_cluster(name))
    below = [] if name == "none" else [manifest.content for manifest in read_manifests(name)]
    return FolderCluster([*below, *given], namespace=namespace)


def _seconds_for_each(settings: Settings) -> float:
    """Give each object the time that the webhook has by default."""
    limits = settings.deadline
    return DeadlineLimits(
        default_seconds=limits.default_seconds,
        margin_seconds=limits.margin_seconds,
        most_seconds=limits.most_seconds,
    ).seconds_for("")


def _tell(settings: Settings, results: Sequence[Result], output: str) -> None:
    """Write the report to standard output, and what is beside it to standard error."""
    for warning in settings.warnings:
        click.echo(f"pullcheck: {warning}", err=True)
    if output == "json":
        click.echo(json.render(results))
        return
    for line in text.render(results):
        click.echo(line)
    for note in (note for result in results for note in result.notes):
        click.echo(f"Warning: {note}", err=True)
    click.echo(text.summarise(results), err=True)
