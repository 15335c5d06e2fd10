"""Secrets and service accounts are read once at a time and remembered for a moment; before a denial, read again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.judged import FakeCluster, FakeRegistries, make_pipeline, pull_secret
from tests.registry.playing import BASIC, NOT_FOUND, UNAUTHORIZED, answer, found
from tests.verdict.making import use
from webhook.case import Case
from webhook.keychain.dockerconfig import MAX_LOGINS
from webhook.keychain.pullsecrets import SecretState, UnreadableSecret, Wanted
from webhook.memory import Times
from webhook.pipeline import Pipeline
from webhook.reading import MAX_SECRETS
from webhook.registry.exchange import Answer, BasicLogin, FetchManifest, Intent, Reply
from webhook.verdict.judgement import Verdict
from webhook.verdict.policy import Decision, Mode

IMAGE = "registry.example.com/app:1"
OFF = Times(secrets_seconds=0)


def login(password: str = "good") -> SecretState:  # noqa: S107 (the test's own)
    config = f'{{"auths":{{"registry.example.com":{{"username":"user","password":"{password}"}}}}}}'
    return pull_secret("regcred", config.encode())


def private(intent: Intent) -> Answer:
    assert isinstance(intent, FetchManifest)
    authorization = intent.authorization
    if isinstance(authorization, BasicLogin) and authorization.credential.password == "good":
        return found()
    return answer(401, UNAUTHORIZED, BASIC)


WITH_REGCRED = Wanted(("regcred",), None)


def case(namespace: str = "shop", image: str = IMAGE, wanted: Wanted = WITH_REGCRED) -> Case:
    uses = (use(image, policy="Always"),)
    return Case(kind="Pod", namespace=namespace, name="a", uses=uses, wanted=wanted, mode=Mode.ENFORCE)


Scene = Callable[[Pipeline], Awaitable[list[Verdict]]]


def play(cluster: FakeCluster, scene: Scene, times: Times | None = None) -> list[Decision]:
    async def run() -> list[Verdict]:
        return await scene(make_pipeline(FakeRegistries(private), cluster, times=times))

    return [verdict.decision for verdict in asyncio.run(run())]


async def twice(pipeline: Pipeline) -> list[Verdict]:
    return [await pipeline.judge(case(), 5), await pipeline.judge(case(), 5)]


def test_a_secret_is_read_once_for_two_reviews() -> None:
    cluster = FakeCluster({"regcred": login()})

    assert play(cluster, twice) == [Decision.ALLOW, Decision.ALLOW]
    assert cluster.reads == ["shop/secret/regcred"]


def test_reviews_at_the_same_time_share_a_read() -> None:
    cluster = FakeCluster({"regcred": login()}, delay_seconds=0.01)

    async def at_once(pipeline: Pipeline) -> list[Verdict]:
        return list(await asyncio.gather(*(pipeline.judge(case(), 5) for _ in range(50))))

    assert set(play(cluster, at_once)) == {Decision.ALLOW}
    assert cluster.reads == ["shop/secret/regcred"]


def test_a_namespace_has_its_own() -> None:
    cluster = FakeCluster({"regcred": login()})

    async def both(pipeline: Pipeline) -> list[Verdict]:
        return [await pipeline.judge(case(name), 5) for name in ("shop", "other")]

    play(cluster, both)
    assert cluster.reads == ["shop/secret/regcred", "other/secret/regcred"]


def test_a_secret_that_was_mended_counts_at_the_next_denial() -> None:
    secrets = {"regcred": login("bad")}
    cluster = FakeCluster(secrets)

    async def mend(pipeline: Pipeline) -> list[Verdict]:
        before = await pipeline.judge(case(), 5)
        secrets["regcred"] = login()
        return [before, await pipeline.judge(case(), 5)]

    assert play(cluster, mend) == [Decision.DENY, Decision.ALLOW]
    assert cluster.reads == ["shop/secret/regcred"] * 2


def test_a_denial_reads_again_only_what_was_not_read_within_the_review() -> None:
    cluster = FakeCluster({"regcred": login("bad")})

    assert play(cluster, twice) == [Decision.DENY, Decision.DENY]
    assert cluster.reads == ["shop/secret/regcred"] * 2


@pytest.mark.parametrize("seconds", [10.0, 0.0])
def test_a_denial_does_not_read_twice_what_is_not_remembered(seconds: float) -> None:
    cluster = FakeCluster({"regcred": login("bad")})

    async def once(pipeline: Pipeline) -> list[Verdict]:
        return [await pipeline.judge(case(), 5)]

    assert play(cluster, once, Times(secrets_seconds=seconds)) == [Decision.DENY]
    assert cluster.reads == ["shop/secret/regcred"]


def test_the_service_account_is_remembered_and_read_again_too() -> None:
    accounts = {"default": ["regcred"]}
    cluster = FakeCluster({"regcred": login()}, accounts)
    by_account = case(wanted=Wanted((), "default"))

    async def scene(pipeline: Pipeline) -> list[Verdict]:
        first = await pipeline.judge(by_account, 5)
        accounts["default"] = []
        other = replace(by_account, uses=(replace(by_account.uses[0], image="registry.example.com/other:1"),))
        # What it opened before stays known; for another image the list is old until a denial is near.
        return [first, await pipeline.judge(other, 5)]

    assert play(cluster, scene) == [Decision.ALLOW, Decision.ALLOW]
    assert cluster.reads == ["shop/account/default", "shop/secret/regcred"]


def test_what_does_not_exist_is_looked_for_each_time() -> None:
    secrets: dict[str, SecretState] = {}
    cluster = FakeCluster(secrets)

    async def arrive(pipeline: Pipeline) -> list[Verdict]:
        before = await pipeline.judge(case(), 5)
        secrets["regcred"] = login()
        return [before, await pipeline.judge(case(), 5)]

    assert play(cluster, arrive) == [Decision.WARN, Decision.ALLOW]


def test_a_secret_that_cannot_be_read_again_is_no_proof() -> None:
    secrets = {"regcred": login("bad")}
    cluster = FakeCluster(secrets)

    async def lose(pipeline: Pipeline) -> list[Verdict]:
        before = await pipeline.judge(case(), 5)
        secrets["regcred"] = UnreadableSecret("regcred", "the API server did not answer in time")
        return [before, await pipeline.judge(case(), 5)]

    assert play(cluster, lose) == [Decision.DENY, Decision.WARN]


def test_a_read_that_began_before_a_review_is_not_enough_for_its_denial() -> None:
    cluster = FakeCluster({"regcred": login("bad")}, delay_seconds=0.05)

    async def overlapping(pipeline: Pipeline) -> list[Verdict]:
        first = asyncio.create_task(pipeline.judge(case(), 5))
        await asyncio.sleep(0.02)
        return [await pipeline.judge(case(), 5), await first]

    assert play(cluster, overlapping) == [Decision.DENY, Decision.DENY]
    assert cluster.reads == ["shop/secret/regcred"] * 2


def test_switched_off_nothing_is_remembered() -> None:
    cluster = FakeCluster({"regcred": login()})

    play(cluster, twice, OFF)
    assert cluster.reads == ["shop/secret/regcred"] * 2


def test_an_image_that_resolved_is_remembered_for_its_namespace() -> None:
    registries = FakeRegistries(private)

    async def run() -> list[tuple[bool, Decision]]:
        pipeline = make_pipeline(registries, FakeCluster({"regcred": login()}))
        verdicts = [await pipeline.judge(case(name), 5) for name in ("shop", "shop", "other")]
        return [(verdict.judgements[0].is_remembered, verdict.decision) for verdict in verdicts]

    allow = Decision.ALLOW
    assert asyncio.run(run()) == [(False, allow), (True, allow), (False, allow)]
    assert [namespace for namespace, _ in registries.askers] == ["shop", "other"]


def test_an_image_that_anybody_may_see_is_remembered_for_everybody() -> None:
    registries = FakeRegistries(lambda _: found())

    async def run() -> list[bool]:
        pipeline = make_pipeline(registries)
        nothing = Wanted((), None)
        verdicts = [await pipeline.judge(case(name, wanted=nothing), 5) for name in ("shop", "other")]
        return [verdict.judgements[0].is_remembered for verdict in verdicts]

    assert asyncio.run(run()) == [False, True]
    assert registries.conversations == 1


def test_the_account_that_a_registry_may_ask_to_wait_tells_nothing_of_the_password() -> None:
    registries = FakeRegistries(private)

    async def run() -> None:
        await make_pipeline(registries, FakeCluster({"regcred": login()})).judge(case(), 5)

    asyncio.run(run())
    ((namespace, account),) = registries.askers
    assert namespace == "shop"
    assert account
    assert "good" not in account


def test_of_one_pod_no_more_secrets_are_read_than_real_pods_name() -> None:
    cluster = FakeCluster({f"regcred-{number}": login("bad") for number in range(MAX_SECRETS + 20)})
    crowded = case(wanted=Wanted(tuple(cluster.secrets), None))

    async def once(pipeline: Pipeline) -> list[Verdict]:
        return [await pipeline.judge(crowded, 5)]

    assert play(cluster, once) == [Decision.WARN]
    assert len(cluster.reads) == MAX_SECRETS


def test_the_names_beyond_them_are_one_warning() -> None:
    accounts = {"default": [f"regcred-{number}" for number in range(50_000)]}
    cluster = FakeCluster({"regcred-7": login()}, accounts)

    async def run() -> Verdict:
        return await make_pipeline(FakeRegistries(private), cluster).judge(case(wanted=Wanted((), "default")), 5)

    verdict = asyncio.run(run())
    (note,) = verdict.notes
    assert 'pull secret "regcred-100" could not be read (it and 49899 more: of one pod, 100 are read)' in note
    assert [one.resolution_name for one in verdict.judgements] == ["Resolved"]


def test_a_pull_secret_with_more_logins_than_are_looked_through_is_no_proof() -> None:
    logins = ",".join(f'"registry.example.com/{number}":{{"username":"u"}}' for number in range(MAX_LOGINS + 1))
    cluster = FakeCluster({"regcred": pull_secret("regcred", f'{{"auths":{{{logins}}}}}'.encode())})

    async def once(pipeline: Pipeline) -> list[Verdict]:
        return [await pipeline.judge(case(), 5)]

    assert play(cluster, once) == [Decision.WARN]


def test_more_logins_for_one_image_than_are_tried_are_no_proof() -> None:
    logins = ",".join(f'"registry.example.com{"/" * number}":{{"username":"u"}}' for number in range(1, 60))
    glob = ",".join(f'"r{"*" * number}.example.com":{{"username":"u","password":"p"}}' for number in range(1, 60))
    cluster = FakeCluster({"regcred": pull_secret("regcred", f'{{"auths":{{{logins},{glob}}}}}'.encode())})

    async def once(pipeline: Pipeline) -> list[Verdict]:
        return [await pipeline.judge(case(), 5)]

    assert play(cluster, once) == [Decision.WARN]


def test_a_secret_that_changed_counts_though_another_one_cannot_be_read_again() -> None:
    secrets: dict[str, SecretState] = {"regcred": login("bad"), "other": login("bad")}
    cluster = FakeCluster(secrets)
    both = case(wanted=Wanted(("regcred", "other"), None))

    async def run() -> list[str]:
        pipeline = make_pipeline(FakeRegistries(private), cluster)
        before = await pipeline.judge(both, 5)
        secrets["regcred"] = login()
        secrets["other"] = UnreadableSecret("other", "the API server did not answer in time")
        after = await pipeline.judge(both, 5)
        return [verdict.judgements[0].resolution_name for verdict in (before, after)]

    assert asyncio.run(run()) == ["Refused", "Resolved"]


def test_what_resolved_stays_so_when_the_secret_cannot_be_read_again() -> None:
    secrets: dict[str, SecretState] = {"regcred": login()}
    cluster = FakeCluster(secrets)

    def some(intent: Intent) -> Reply:
        return answer(404, NOT_FOUND) if "/absent/" in intent.url and private(intent).status == 200 else private(intent)

    async def run() -> list[str]:
        pipeline = make_pipeline(FakeRegistries(some), cluster)
        both = replace(case(), uses=(use(IMAGE), use("registry.example.com/absent:1")))
        await pipeline.judge(case(image="registry.example.com/other:1"), 5)
        secrets["regcred"] = UnreadableSecret("regcred", "the API server did not answer in time")
        verdict = await pipeline.judge(both, 5)
        return [verdict.decision, *(judgement.resolution_name for judgement in verdict.judgements)]

    assert asyncio.run(run()) == ["warn", "Resolved", "Missing"]
