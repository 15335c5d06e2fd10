import asyncio
from contextvars import copy_context
from dataclasses import replace
from typing import get_args

import pytest

from webhook.keychain.credential import Credential
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import (
    AddressRefused,
    Answer,
    BrokenAnswer,
    ConnectFailed,
    Fault,
    FetchManifest,
    FetchToken,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    Purpose,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.registry.origins import read_origin
from webhook.registry.patience import MAX_FAILURES, Patience
from webhook.registry.resolution import Resolution
from webhook.verdict.answer import ReviewFacts
from webhook.verdict.policy import Decision, Mode
from webhook.wire.telemetry import MAX_REGISTRIES, RequestTally, Telemetry

REQUESTS = "pullcheck_registry_requests_total"
FACTS = ReviewFacts(uid="705ab4f5", kind="Deployment", operation="CREATE", mode=Mode.ENFORCE, decision=Decision.DENY)


@pytest.fixture
def telemetry():
    return Telemetry(version="1.2.3", custom_kinds=["Rollout"])


def lines(telemetry):
    return telemetry.exposition().decode().splitlines()


def samples(telemetry, name):
    """The series of a metric that were counted, by their labels as Prometheus reads them."""
    found = (line.rsplit(" ", 1) for line in lines(telemetry) if line.startswith(name) and not line.endswith(" 0.0"))
    return {series.removeprefix(name): float(value) for series, value in found}


def endpoint(host="registry.example.com"):
    return Endpoint(url=f"https://{host}/v2")


def manifest(host="registry.example.com", purpose=Purpose.MANIFEST):
    return FetchManifest(
        endpoint=endpoint(host), url=f"https://{host}/v2/a/manifests/b", method="HEAD", purpose=purpose
    )


def test_the_metrics_have_the_names_of_the_contract(telemetry):
    declared = {line.split()[2]: line.split()[3] for line in lines(telemetry) if line.startswith("# TYPE pullcheck_")}
    assert declared == {
        "pullcheck_reviews_total": "counter",
        "pullcheck_images_total": "counter",
        "pullcheck_review_duration_seconds": "histogram",
        "pullcheck_reviews_not_understood_total": "counter",
        "pullcheck_registry_requests_total": "counter",
        "pullcheck_registry_request_duration_seconds": "histogram",
        "pullcheck_cluster_requests_total": "counter",
        "pullcheck_deadline_exceeded_total": "counter",
        "pullcheck_memory_lookups_total": "counter",
        "pullcheck_breaker_open": "gauge",
        "pullcheck_certificate_expiry_timestamp_seconds": "gauge",
        "pullcheck_build_info": "gauge",
    }


def test_every_metric_is_explained_in_a_sentence(telemetry):
    helps = [line.split(" ", 3)[3] for line in lines(telemetry) if line.startswith("# HELP pullcheck_")]
    assert len(helps) == 12
    assert all(text.endswith(".") for text in helps)


def test_lookups_are_counted_by_what_came_of_them(telemetry):
    telemetry.observe_memory("tags", is_hit=True)
    telemetry.observe_memory("tags", is_hit=True)
    telemetry.observe_memory("secrets", is_hit=False)
    assert samples(telemetry, "pullcheck_memory_lookups_total") == {
        '{memory="tags",result="hit"}': 2,
        '{memory="secrets",result="miss"}': 1,
    }


def test_a_registry_is_told_while_it_is_left_alone_and_as_well_afterwards(telemetry):
    sick = ["b.example.com", "a.example.com"]
    telemetry.watch_breakers(lambda: sick)
    assert samples(telemetry, "pullcheck_breaker_open{") == {
        'registry="a.example.com"}': 1,
        'registry="b.example.com"}': 1,
    }
    sick.remove("a.example.com")
    assert 'pullcheck_breaker_open{registry="a.example.com"} 0.0' in lines(telemetry)


@pytest.mark.parametrize("host", ["Reg.example.com", "reg.example.com:5000", "[::0:1]:5000"])
def test_a_registry_that_is_left_alone_has_the_name_that_its_requests_have(telemetry, host):
    patience, origin = Patience(), read_origin(f"https://{host}/v2")
    assert origin
    for _ in range(MAX_FAILURES):
        patience.note(origin, "", TimedOut(), 0)
        telemetry.observe_registry_request(manifest(host), TimedOut(), 1)
    telemetry.watch_breakers(lambda: patience.open_places(0))
    (breaker,) = samples(telemetry, "pullcheck_breaker_open{")
    assert samples(telemetry, "pullcheck_registry_requests_total") == {
        '{outcome="timed_out",purpose="manifest",' + breaker: MAX_FAILURES
    }


def test_what_was_held_back_is_counted_and_no_time_of_it(telemetry):
    telemetry.observe_registry_request(manifest(), HeldBack("sick"), 0)
    telemetry.observe_registry_request(manifest(), Answer(200), 0.02)
    outcomes = [line.partition('outcome="')[2].split('"')[0] for line in samples(telemetry, REQUESTS)]
    assert sorted(outcomes) == ["200", "held_back"]
    assert samples(telemetry, "pullcheck_registry_request_duration_seconds_count") == {"": 1}


def test_what_was_held_back_is_no_request_of_a_review(telemetry):
    def review():
        RequestTally.begin()
        telemetry.observe_registry_request(manifest(), HeldBack("sick"), 0)
        telemetry.observe_registry_request(manifest(), Answer(200), 0)
        return RequestTally.current().count

    assert copy_context().run(review) == 1


def test_the_process_is_measured_too(telemetry):
    assert samples(telemetry, "process_open_fds")
    assert samples(telemetry, "process_resident_memory_bytes")


def test_the_version_is_told(telemetry):
    assert samples(telemetry, "pullcheck_build_info") == {'{version="1.2.3"}': 1}


def test_a_review_is_counted_by_kind_operation_mode_and_decision(telemetry):
    for _ in range(2):
        telemetry.observe_review(FACTS, 0.01)
    telemetry.observe_review(
        replace(FACTS, kind="Rollout", operation="UPDATE", mode=Mode.WARN, decision=Decision.WARN), 0.01
    )
    assert samples(telemetry, "pullcheck_reviews_total") == {
        '{decision="deny",kind="Deployment",mode="enforce",operation="CREATE"}': 2,
        '{decision="warn",kind="Rollout",mode="warn",operation="UPDATE"}': 1,
    }


@pytest.mark.parametrize(
    "kind", ["Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"]
)
def test_every_built_in_kind_is_a_value_of_its_own(telemetry, kind):
    telemetry.observe_review(replace(FACTS, kind=kind), 0.01)
    assert f'kind="{kind}"' in next(iter(samples(telemetry, "pullcheck_reviews_total")))


def test_what_a_stranger_chose_is_no_value_of_a_label(telemetry):
    for number in range(100):
        telemetry.observe_review(
            replace(FACTS, kind=f"Kind{number}", operation=f"X{number}", images=(("a", f"Odd{number}"),)), 0.01
        )
    assert samples(telemetry, "pullcheck_reviews_total") == {
        '{decision="deny",kind="other",mode="enforce",operation="other"}': 100
    }
    assert samples(telemetry, "pullcheck_images_total") == {'{resolution="other"}': 100}


def test_images_are_counted_by_resolution_and_never_named(telemetry):
    telemetry.observe_review(replace(FACTS, images=(("hunter2", "Missing"), ("b", "Missing"), ("c", "Resolved"))), 0.01)
    assert samples(telemetry, "pullcheck_images_total") == {'{resolution="Missing"}': 2, '{resolution="Resolved"}': 1}
    assert b"hunter2" not in telemetry.exposition()


@pytest.mark.parametrize("kind", get_args(Resolution))
def test_every_resolution_is_there_from_the_start(telemetry, kind):
    assert f'pullcheck_images_total{{resolution="{kind.__name__}"}} 0.0' in lines(telemetry)


def test_the_duration_of_a_review_is_measured(telemetry):
    telemetry.observe_review(FACTS, 0.3)
    buckets = samples(telemetry, "pullcheck_review_duration_seconds_bucket")
    assert '{le="0.25"}' not in buckets
    assert buckets['{le="0.5"}'] == 1
    assert samples(telemetry, "pullcheck_review_duration_seconds_sum") == {"": 0.3}


def test_a_missed_deadline_and_a_workload_that_was_not_understood_are_counted(telemetry):
    telemetry.observe_review(FACTS, 1)
    telemetry.observe_review(replace(FACTS, is_deadline_exceeded=True), 1)
    telemetry.observe_review(replace(FACTS, not_understood="spec: expected object"), 1)
    assert samples(telemetry, "pullcheck_deadline_exceeded_total") == {"": 1}
    assert samples(telemetry, "pullcheck_reviews_not_understood_total") == {"": 1}


def test_a_request_to_a_registry_is_counted_by_purpose(telemetry):
    token = FetchToken(endpoint=endpoint(), url="https://auth.example.com/token?scope=hunter2", grant="anonymous")
    for intent in (manifest(), manifest(purpose=Purpose.CONFIRMATION), token):
        telemetry.observe_registry_request(intent, Answer(200), 0.02)
    assert samples(telemetry, "pullcheck_registry_requests_total") == {
        f'{{outcome="200",purpose="{purpose}",registry="registry.example.com"}}': 1
        for purpose in ("manifest", "confirmation", "token")
    }
    assert samples(telemetry, "pullcheck_registry_request_duration_seconds_count") == {"": 3}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Answer(404), "404"),
        (Answer(429), "429"),
        (Answer(207), "2xx"),
        (Answer(499), "4xx"),
        (Answer(999), "9xx"),
        (NameNotFound(), "name_not_found"),
        (ConnectFailed(), "connect_failed"),
        (TimedOut(), "timed_out"),
        (TlsFailed("expired"), "tls_failed"),
        (SpeaksPlain(), "speaks_plain"),
        (AddressRefused("network.loopback"), "address_refused"),
        (ProxyFailed(), "proxy_failed"),
        (BrokenAnswer(), "broken_answer"),
    ],
)
def test_the_outcome_is_the_status_or_the_fault(telemetry, reply, outcome):
    telemetry.observe_registry_request(manifest(), reply, 0.02)
    (series,) = samples(telemetry, "pullcheck_registry_requests_total")
    assert f'outcome="{outcome}"' in series


def test_no_fault_lacks_an_outcome(telemetry):
    for kind in get_args(Fault):
        telemetry.observe_registry_request(
            manifest(), kind(*(["expired"] if kind in (TlsFailed, AddressRefused, HeldBack) else [])), 0
        )
    series = samples(telemetry, "pullcheck_registry_requests_total")
    assert len(series) == len(get_args(Fault))
    assert not any("other" in labels for labels in series)


def test_fifty_registries_have_a_value_of_their_own_and_the_rest_share_one(telemetry):
    for number in range(200):
        telemetry.observe_registry_request(manifest(f"registry-{number}.example.com"), Answer(200), 0.02)
    telemetry.observe_registry_request(manifest("registry-0.example.com"), Answer(200), 0.02)
    series = samples(telemetry, "pullcheck_registry_requests_total")
    assert len(series) == MAX_REGISTRIES + 1
    assert series['{outcome="200",purpose="manifest",registry="other"}'] == 200 - MAX_REGISTRIES
    assert series['{outcome="200",purpose="manifest",registry="registry-0.example.com"}'] == 2


def test_a_registry_is_one_however_it_is_written_and_its_label_holds_no_login(telemetry):
    for host in ("Registry.example.com", "user:hunter2@registry.example.com"):
        telemetry.observe_registry_request(manifest(host), Answer(200), 0.02)
    assert len(samples(telemetry, "pullcheck_registry_requests_total")) == 1
    assert b"hunter2" not in telemetry.exposition()


def test_a_credential_never_reaches_the_metrics(telemetry):
    credential = Credential("canary-name", "canary-password", "canary-secret")
    intent = FetchToken(endpoint=endpoint(), url="https://a/?canary", grant="basic", credential=credential)
    telemetry.observe_registry_request(intent, Answer(401, (("WWW-Authenticate", "canary"),), b"canary"), 0.02)
    assert b"canary" not in telemetry.exposition()


def test_reads_of_the_cluster_are_counted(telemetry):
    telemetry.observe_cluster_request("secrets", "found")
    assert samples(telemetry, "pullcheck_cluster_requests_total") == {'{outcome="found",resource="secrets"}': 1}


def test_the_certificates_end_is_told(telemetry):
    telemetry.tell_certificate_expiry(1_700_000_000)
    assert samples(telemetry, "pullcheck_certificate_expiry_timestamp_seconds") == {"": 1.7e9}


def test_two_processes_worth_of_metrics_do_not_meet():
    first, second = Telemetry(version="1"), Telemetry(version="1")
    first.observe_review(FACTS, 0.1)
    assert not samples(second, "pullcheck_reviews_total")


def test_the_requests_of_a_review_are_tallied_through_its_tasks_and_apart_from_others(telemetry):
    async def ask(times):
        for _ in range(times):
            await asyncio.sleep(0)
            telemetry.observe_registry_request(manifest(), Answer(200), 0.02)

    async def review_of(*images):
        RequestTally.begin()
        await asyncio.gather(*(asyncio.create_task(ask(times)) for times in images))
        return RequestTally.current().count

    async def both():
        return await asyncio.gather(review_of(3, 1), review_of(2), review_of())

    assert asyncio.run(both()) == [4, 2, 0]


def test_outside_of_a_review_requests_are_tallied_for_nobody(telemetry):
    telemetry.observe_registry_request(manifest(), Answer(200), 0.02)
    assert RequestTally.current().count == 0
