"""`pullcheck serve`: the webhook."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from webhook import __version__
from webhook.admission.deadline import DeadlineLimits
from webhook.composition import Observers, compose
from webhook.pipeline import Pipeline
from webhook.registry.proxies import MalformedProxyError
from webhook.settings import Settings, SettingsError
from webhook.verdict.answer import ReviewFacts
from webhook.verdict.policy import Mode
from webhook.wire import log
from webhook.wire.allocation import collect_seldom, give_back_large_blocks
from webhook.wire.application import Delivery, probe_application, review_application
from webhook.wire.certificates import CertificateError, ServingPair, load_serving_pair
from webhook.wire.cluster import ClusterConfigurationError
from webhook.wire.manifests import UnreadableManifestError
from webhook.wire.server import Listener, ListenError, Stopping, run
from webhook.wire.server import serve as serve_listeners
from webhook.wire.telemetry import MEDIA_TYPE, RequestTally, Telemetry

_EXPECTED_FAULTS = (
    SettingsError,
    CertificateError,
    ClusterConfigurationError,
    UnreadableManifestError,
    MalformedProxyError,
    ListenError,
)
"""What a person can mend; each one's text is one line."""

MAX_PROBES = 64
"""Connections at once of the kubelet, Prometheus and whoever else asks how we are."""


@click.command(short_help="Answer the API server's reviews.")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The settings, in YAML. PULLCHECK_CONFIG names it too; single PULLCHECK_… variables win over it.",
)
def serve(config: Path | None) -> None:
    """Answer the API server's reviews until SIGTERM or SIGINT, and for `shutdown_delay` from then on.

    A second signal ends the delay.
    """
    try:
        settings = Settings.read(os.environ, config)
        handler = log.write_to(sys.stdout.fileno(), settings.log_level)
        give_back_large_blocks()
        try:
            run(_serve(settings))
        finally:
            handler.close()
    except _EXPECTED_FAULTS as fault:
        raise click.UsageError(str(fault)) from None


@dataclass(slots=True)
class _Readiness:
    """Why reviews should not be sent here now."""

    stopping: Stopping
    reasons: Sequence[str] = ("not serving yet",)

    def serving(self, address: str, probes: str) -> None:
        self.reasons = ()
        log.write_serving(address, probes)

    def stop(self) -> None:
        self.reasons = ("stopping",)
        log.write_event("stopping" if self.stopping.tell() else "stopping at once")


@dataclass(frozen=True, slots=True)
class _Observer:
    """Has each review counted and logged."""

    telemetry: Telemetry

    def begin_review(self) -> None:
        RequestTally.begin()

    def end_review(self, facts: ReviewFacts, delivery: Delivery) -> None:
        self.telemetry.observe_review(facts, delivery.duration_seconds)
        log.write_review(
            facts,
            duration_seconds=delivery.duration_seconds,
            audit_id=delivery.audit_id,
            requests=RequestTally.current().count,
        )


async def _serve(settings: Settings) -> None:
    for warning in settings.warnings:
        log.write_event("warning", level="warning", message=warning)
    telemetry = Telemetry(version=__version__, custom_kinds=[workload.kind for workload in settings.workloads])
    pair = _load_pair(settings, telemetry)
    asyncio.get_running_loop().set_exception_handler(log.write_loop_fault)
    readiness = _Readiness(Stopping(settings.shutdown_delay_seconds))
    _heed_signals(readiness)
    observers = Observers(
        registry=telemetry.observe_registry_request,
        cluster=telemetry.observe_cluster_request,
        memory=telemetry.observe_memory,
    )
    composition = compose(settings, os.environ, observers=observers)
    telemetry.watch_breakers(composition.registries.sick)
    collect_seldom()
    try:
        await serve_listeners(
            _reviews(settings, composition.pipeline, telemetry, pair),
            _probes(settings, telemetry, readiness),
            stopping=readiness.stopping,
            # One second more than a review may take, so that one in flight ends in its answer.
            grace_seconds=math.ceil(settings.deadline.most_seconds) + 1,
            on_serving=readiness.serving,
        )
    finally:
        await composition.close()


def _heed_signals(readiness: _Readiness) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, readiness.stop)


def _reviews(settings: Settings, pipeline: Pipeline, telemetry: Telemetry, pair: ServingPair) -> Listener:
    limits = DeadlineLimits(
        default_seconds=settings.deadline.default_seconds,
        margin_seconds=settings.deadline.margin_seconds,
        most_seconds=settings.deadline.most_seconds,
    )
    return Listener(
        application=review_application(
            pipeline, mode=Mode(settings.mode), limits=limits, observer=_Observer(telemetry)
        ),
        host=settings.listen.host,
        port=settings.listen.port,
        tls=pair.context,
        client_names=frozenset(settings.tls.client_names),
    )


def _probes(settings: Settings, telemetry: Telemetry, readiness: _Readiness) -> Listener:
    return Listener(
        application=probe_application(
            reasons=lambda: readiness.reasons, metrics=telemetry.exposition, metrics_media_type=MEDIA_TYPE
        ),
        host=settings.probes.host,
        port=settings.probes.port,
        max_silent=MAX_PROBES,
        max_quiet=MAX_PROBES,
        max_connections=MAX_PROBES,
    )


def _load_pair(settings: Settings, telemetry: Telemetry) -> ServingPair:
    """Load the serving pair; one that is not valid now is served all the same: nobody else has a better one."""
    pair = load_serving_pair(settings.tls.certificate, settings.tls.key, settings.tls.client_ca)
    telemetry.tell_certificate_expiry(pair.not_after.timestamp())
    fault = pair.fault_at(datetime.now(UTC))
    if fault:
        log.write_event("warning", level="warning", message=f"{settings.tls.certificate}: {fault}")
    return pair
