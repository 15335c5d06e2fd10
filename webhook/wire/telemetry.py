"""The metrics: counted as things are told, written as Prometheus reads them. No namespace, image or user in a label."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from webhook.memory import Kind
from webhook.registry.exchange import Answer, Fault, FetchManifest, HeldBack, Intent, Purpose, Reply
from webhook.registry.origins import read_origin
from webhook.registry.resolution import Resolution
from webhook.verdict.answer import ReviewFacts

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format, which every version of it reads."""
MAX_REGISTRIES = 50
"""Values of the label `registry`: tenants name the hosts, and each value costs a dozen series."""
OTHER = "other"
_KINDS = frozenset(
    {
        "Pod",
        "PodTemplate",
        "ReplicationController",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
    }
)
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
_MODES = frozenset({"enforce", "warn"})
_DECISIONS = frozenset({"allow", "warn", "deny"})
_RESOLUTIONS = frozenset(kind.__name__ for kind in get_args(Resolution))
_STATUSES = frozenset(
    {200, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 412, 416, 429, 500, 502, 503, 504},
)
"""What registries answer with; of others the label has the class, since they choose freely."""
_FAULTS = {
    kind: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")
    for kind in get_args(Fault)
}
_REVIEW_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 10, 30)
"""From an early allow to the API server's longest timeout."""
_REQUEST_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5)
"""From a registry next door to the sum of the default timeouts."""


class RequestTally:
    """Counts the requests to registries that one review causes, through all the tasks that it starts."""

    __slots__ = ("count",)
    _current: ContextVar["RequestTally | None"] = ContextVar("request_tally", default=None)

    def __init__(self) -> None:
        self.count = 0

    @classmethod
    def begin(cls) -> None:
        """Count for the review whose task this is."""
        cls._current.set(cls())

    @classmethod
    def current(cls) -> "RequestTally":
        """The tally of the review whose task this is; outside of one, a tally that nobody reads."""
        return cls._current.get() or cls()


class Telemetry:
    """The metrics of one process.

    Args:
        version: Of pullcheck.
        custom_kinds: The kinds in the setting `workloads`, which then are values of the label `kind`.
    """

    def __init__(self, *, version: str, custom_kinds: Iterable[str] = ()) -> None:
        # In the text format the time of a counter's creation is a series of its own, which nobody reads.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._reviews = _ReviewMetrics(self._registry, _KINDS | frozenset(custom_kinds))
        self._requests = _RequestMetrics(self._registry)
        self._breakers = _Breakers(self._requests.label)
        self._registry.register(self._breakers)
        self._lookups = Counter(
            "pullcheck_memory_lookups_total",
            "Lookups of what may be remembered, by what was looked up and whether it was there.",
            ("memory", "result"),
            registry=self._registry,
        )
        for kind in get_args(Kind):
            self._lookups.labels(kind, "hit")
            self._lookups.labels(kind, "miss")
        self._certificate_expiry = Gauge(
            "pullcheck_certificate_expiry_timestamp_seconds",
            "When the serving certificate expires, in seconds since 1970.",
            registry=self._registry,
        )
        build = Gauge("pullcheck_build_info", "The version that runs.", ("version",), registry=self._registry)
        build.labels(version).set(1)

    def observe_review(self, facts: ReviewFacts, duration_seconds: float) -> None:
        """Count an answered review."""
        self._reviews.observe(facts, duration_seconds)

    def observe_registry_request(self, intent: Intent, reply: Reply, duration_seconds: float) -> None:
        """Count a request to a registry or a token server, under the registry's host in both cases."""
        self._requests.observe(intent, reply, duration_seconds)
        if not isinstance(reply, HeldBack):
            RequestTally.current().count += 1

    def observe_memory(self, kind: Kind, is_hit: bool) -> None:
        """Count a lookup of what may be remembered."""
        self._lookups.labels(kind, "hit" if is_hit else "miss").inc()

    def watch_breakers(self, read: Callable[[], Iterable[str]]) -> None:
        """Take from whom to learn, whenever somebody asks, which registries are left alone (`host` or `host:port`)."""
        self._breakers.read = read

    def observe_cluster_request(self, resource: str, outcome: str) -> None:
        """Count a read of the cluster; both names are our own."""
        self._requests.cluster.labels(resource, outcome).inc()

    def tell_certificate_expiry(self, timestamp_seconds: float) -> None:
        """Say when the serving certificate expires, in seconds since 1970."""
        self._certificate_expiry.set(timestamp_seconds)

    def exposition(self) -> bytes:
        """Write all metrics in `MEDIA_TYPE`."""
        return prometheus_client.generate_latest(self._registry)


class _ReviewMetrics:
    """What reviews are counted by."""

    def __init__(self, registry: CollectorRegistry, kinds: frozenset[str]) -> None:
        self._kinds = kinds
        self._answered = Counter(
            "pullcheck_reviews_total",
            "Reviews that were answered.",
            ("kind", "operation", "mode", "decision"),
            registry=registry,
        )
        self._images = Counter(
            "pullcheck_images_total",
            "Image uses that were judged, by what was found out about them.",
            ("resolution",),
            registry=registry,
        )
        for name in sorted(_RESOLUTIONS):
            self._images.labels(name)
        self._not_understood = Counter(
            "pullcheck_reviews_not_understood_total",
            "Reviews that were allowed with a warning because they were too large or their workload could not be read.",
            registry=registry,
        )
        self._duration = Histogram(
            "pullcheck_review_duration_seconds",
            "Time from the end of a review's header to its answer.",
            buckets=_REVIEW_BUCKETS_SECONDS,
            registry=registry,
        )
        self._deadline_exceeded = Counter(
            "pullcheck_deadline_exceeded_total",
            "Reviews that were answered before all of their images were known, because the time was up.",
            registry=registry,
        )

    def observe(self, facts: ReviewFacts, duration_seconds: float) -> None:
        self._answered.labels(
            _known(facts.kind, self._kinds),
            _known(facts.operation, _OPERATIONS),
            _known(facts.mode, _MODES),
            _known(facts.decision, _DECISIONS),
        ).inc()
        for _, resolution in facts.images:
            self._images.labels(_known(resolution, _RESOLUTIONS)).inc()
        self._duration.observe(duration_seconds)
        if facts.not_understood:
            self._not_understood.inc()
        if facts.is_deadline_exceeded:
            self._deadline_exceeded.inc()


class _RequestMetrics:
    """What the requests are counted by that we make ourselves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._known_registries: set[str] = set()
        self._sent = Counter(
            "pullcheck_registry_requests_total",
            "Requests to registries and their token servers, by HTTP status or by what went wrong.",
            ("registry", "purpose", "outcome"),
            registry=registry,
        )
        self._duration = Histogram(
            "pullcheck_registry_request_duration_seconds",
            "Time from a request to a registry or token server to its answer or fault; nothing of what was not sent.",
            buckets=_REQUEST_BUCKETS_SECONDS,
            registry=registry,
        )
        self.cluster = Counter(
            "pullcheck_cluster_requests_total",
            "Reads of secrets and service accounts, by what came of them.",
            ("resource", "outcome"),
            registry=registry,
        )

    def observe(self, intent: Intent, reply: Reply, duration_seconds: float) -> None:
        purpose = intent.purpose if isinstance(intent, FetchManifest) else Purpose.TOKEN
        self._sent.labels(self.label(_host(intent)), purpose, _outcome(reply)).inc()
        if not isinstance(reply, HeldBack):  # Nothing was sent: zeros would hide how slow the others are.
            self._duration.observe(duration_seconds)

    def label(self, host: str) -> str:
        """The first hosts get a value of their own; nobody's login is part of it."""
        name = host.rpartition("@")[2].lower()
        if name not in self._known_registries and len(self._known_registries) >= MAX_REGISTRIES:
            return OTHER
        self._known_registries.add(name)
        return name


class _Breakers(Collector):
    """Which registries are left alone at the moment; those that once were stay as 0."""

    def __init__(self, label: Callable[[str], str]) -> None:
        self._label = label
        self._seen: set[str] = set()
        self.read: Callable[[], Iterable[str]] = tuple

    def collect(self) -> Iterator[GaugeMetricFamily]:
        is_open = {self._label(registry) for registry in self.read()}
        self._seen |= is_open
        family = GaugeMetricFamily(
            "pullcheck_breaker_open",
            "Whether a registry is left alone for a moment, because it failed several times in a row.",
            labels=("registry",),
        )
        for registry in sorted(self._seen):
            family.add_metric([registry], float(registry in is_open))
        yield family


def _known(value: str, values: frozenset[str]) -> str:
    return value if value in values else OTHER


def _host(intent: Intent) -> str:
    """Spell the host and port of a request's registry as breakers are told, so that queries can join the two."""
    origin = read_origin(intent.endpoint.url)
    return origin.netloc if origin else intent.endpoint.host


def _outcome(reply: Reply) -> str:
    if not isinstance(reply, Answer):
        return _FAULTS.get(type(reply), OTHER)
    return str(reply.status) if reply.status in _STATUSES else f"{reply.status // 100 % 10}xx"
