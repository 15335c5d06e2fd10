"""Judging a workload: what is read, what is asked, what is shared, and what happens when time runs out."""

import asyncio
import logging
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.judged import FakeCluster, FakeRegistries, make_pipeline, pull_secret
from tests.registry.playing import BASIC, NOT_FOUND, UNAUTHORIZED, answer, found
from tests.verdict.making import secret, use
from webhook.asking import IMAGES_PER_TURN, MAX_IMAGES_AT_ONCE
from webhook.case import Case
from webhook.images.onnode import NodeImages
from webhook.images.reference import Reference
from webhook.images.uses import ImageUse
from webhook.judging import MAX_USES
from webhook.keychain.pullsecrets import Keychain, SecretState, UnreadableSecret, Wanted
from webhook.registry.exchange import FetchManifest, Intent, Reply
from webhook.registry.question import Question
from webhook.road import Road
from webhook.verdict.judgement import Verdict
from webhook.verdict.policy import Decision, Mode, NodeMeans, Rules, Softeners

WITH_REGCRED = Wanted(("regcred",), None)
NOTHING = Wanted((), None)
BY_ACCOUNT = Wanted((), "default")


def case(*images: str, wanted: Wanted = WITH_REGCRED, **more: bool) -> Case:
    uses: tuple[ImageUse, ...] = tuple(use(image, name=f"c{number}") for number, image in enumerate(images))
    return Case(kind="Deployment", namespace="shop", name="my-app", uses=uses, wanted=wanted, mode=Mode.ENFORCE, **more)


def judged(
    one: Case,
    registries: FakeRegistries,
    cluster: FakeCluster | None = None,
    *,
    deadline_seconds: float = 5,
    rules: Rules | None = None,
    **network: Any,
) -> Verdict:
    pipeline = make_pipeline(registries, cluster, rules=rules, **network)
    return asyncio.run(pipeline.judge(one, deadline_seconds))


def names(verdict: Verdict) -> list[str]:
    return [judgement.resolution_name for judgement in verdict.judgements]


def basic(intent: Intent) -> Reply:
    return found() if getattr(intent, "authorization", None) else answer(401, UNAUTHORIZED, BASIC)


def test_the_pods_own_secrets_are_read_and_offered() -> None:
    cluster = FakeCluster({"regcred": secret()})
    verdict = judged(case("registry.example.com/app:1"), FakeRegistries(basic), cluster)

    assert (verdict.decision, names(verdict)) == (Decision.ALLOW, ["Resolved"])
    assert cluster.reads == ["shop/secret/regcred"]
    assert [(offer.secret, offer.result) for offer in verdict.judgements[0].offers] == [("regcred", "accepted")]


def test_the_service_accounts_secrets_are_read_where_the_pod_would_get_them() -> None:
    cluster = FakeCluster({"regcred": secret()}, {"default": ["regcred", "", "regcred"]})
    verdict = judged(case("registry.example.com/app:1", wanted=BY_ACCOUNT), FakeRegistries(basic), cluster)

    assert verdict.decision is Decision.ALLOW
    assert cluster.reads == ["shop/account/default", "shop/secret/regcred"]


def test_an_absent_secret_makes_a_warning_of_the_denial_and_names_it() -> None:
    verdict = judged(case("registry.example.com/app:1"), FakeRegistries(basic))

    assert (verdict.decision, names(verdict)) == (Decision.WARN, ["Refused"])
    assert 'pull secret "regcred" does not exist' in verdict.warnings[0]


def test_a_secret_that_cannot_be_read_is_told_even_when_the_image_resolves() -> None:
    cluster = FakeCluster({"regcred": UnreadableSecret("regcred", "forbidden")})
    verdict = judged(case("registry.example.com/app:1"), FakeRegistries(lambda _: found()), cluster)

    assert verdict.decision is Decision.WARN
    assert verdict.warnings == (
        'Deployment/my-app: pull secret "regcred" could not be read (forbidden); checked without it',
    )


def test_a_broken_secret_denies_and_nobody_is_asked() -> None:
    registries = FakeRegistries(basic)
    verdict = judged(
        case("registry.example.com/app:1"), registries, FakeCluster({"regcred": pull_secret("regcred", b"{")})
    )

    assert (verdict.decision, names(verdict)) == (Decision.DENY, ["Refused"])
    assert registries.conversations == 0


def test_an_invalid_image_is_denied_and_the_others_are_judged_all_the_same() -> None:
    verdict = judged(case("NGINX", "registry.example.com/app:1"), FakeRegistries(lambda _: found()))

    assert (verdict.decision, names(verdict)) == (Decision.DENY, ["Invalid", "Resolved"])


def test_for_a_host_that_may_not_be_asked_no_secret_is_read() -> None:
    cluster, registries = FakeCluster({"regcred": secret()}), FakeRegistries(basic)
    verdict = judged(case("evil.example.net/app:1"), registries, cluster, denied_hosts=("evil.example.net",))

    assert names(verdict) == ["Blocked"]
    assert (cluster.reads, registries.conversations) == ([], 0)


def test_ignored_images_are_not_asked_for() -> None:
    registries = FakeRegistries(basic)
    verdict = judged(case("auto"), registries, rules=Rules(ignored_images=("auto",)))

    assert (verdict.decision, verdict.judgements, registries.conversations) == (Decision.ALLOW, (), 0)


def test_one_conversation_serves_every_spelling_of_a_reference() -> None:
    registries = FakeRegistries(lambda _: found(), delay_seconds=0.01)
    verdict = judged(case("nginx", "docker.io/nginx:latest", "index.docker.io/library/nginx"), registries)

    assert names(verdict) == ["Resolved"] * 3
    assert registries.conversations == 1


def test_equal_questions_of_workloads_in_flight_share_a_conversation_and_other_logins_do_not() -> None:
    registries = FakeRegistries(basic, delay_seconds=0.01)
    cluster = FakeCluster({"regcred": secret(), "other": pull_secret("other", OTHER_LOGIN)})
    pipeline = make_pipeline(registries, cluster)
    cases = [case("registry.example.com/app:1")] * 50 + [
        case("registry.example.com/app:1", wanted=Wanted(("other",), None))
    ]

    async def scene() -> list[Verdict]:
        return list(await asyncio.gather(*(pipeline.judge(one, 5) for one in cases)))

    assert {verdict.decision for verdict in asyncio.run(scene())} == {Decision.ALLOW}
    assert registries.conversations == 2


OTHER_LOGIN = b'{"auths":{"registry.example.com":{"username":"other","password":"other"}}}'


def test_of_an_object_with_any_number_of_images_so_many_are_checked_and_the_rest_is_counted() -> None:
    registries = FakeRegistries(lambda _: found())
    images = [f"registry.example.com/app:{number}" for number in range(MAX_USES + 7)]
    verdict = judged(case(*images, wanted=NOTHING), registries)

    assert registries.conversations == MAX_USES
    assert verdict.decision is Decision.WARN
    assert verdict.warnings == ("Deployment/my-app: 7 further images were not checked: of one object, 500 are",)


def test_many_images_are_asked_for_some_at_once_and_who_has_no_turn_by_the_deadline_is_unavailable() -> None:
    registries = FakeRegistries(lambda _: found(), delay_seconds=0.5)
    images = [f"registry.example.com/app:{number}" for number in range(3 * MAX_IMAGES_AT_ONCE)]
    verdict = judged(case(*images, wanted=NOTHING), registries, deadline_seconds=0.8)

    assert registries.conversations == 2 * MAX_IMAGES_AT_ONCE
    assert Counter(names(verdict)) == {"Resolved": MAX_IMAGES_AT_ONCE, "Unavailable": 2 * MAX_IMAGES_AT_ONCE}


def test_what_another_workload_found_out_meanwhile_is_not_asked_again() -> None:
    registries = FakeRegistries(lambda _: found(), delay_seconds=0.01)
    pipeline = make_pipeline(registries)
    images = [f"registry.example.com/app:{number}" for number in range(3 * MAX_IMAGES_AT_ONCE)]

    async def scene() -> list[Verdict]:
        orders = (images, images[::-1])
        return await asyncio.gather(*(pipeline.judge(case(*order, wanted=NOTHING), 5) for order in orders))

    assert {name for verdict in asyncio.run(scene()) for name in names(verdict)} == {"Resolved"}
    assert registries.conversations == len(images)


def test_a_fault_of_ours_about_one_image_costs_no_other_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    question = Road.question

    def ask(self: Road, reference: Reference, keychain: Keychain) -> Question:
        if reference.path == "broken":
            raise RuntimeError("boom")
        return question(self, reference, keychain)

    monkeypatch.setattr(Road, "question", ask)
    images = ("registry.example.com/broken:1", "registry.example.com/app:1")
    verdict = judged(case(*images, wanted=NOTHING), FakeRegistries(lambda _: answer(404, NOT_FOUND)))

    assert (verdict.decision, names(verdict)) == (Decision.DENY, ["Unavailable", "Missing"])


def test_a_workload_whose_turns_never_come_has_its_verdict_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.turns.STEP_SECONDS", 0.0)
    monkeypatch.setattr("webhook.turns.TURNS_BETWEEN", sys.maxsize)
    images = [f"registry.example.com/app:{number}" for number in range(MAX_USES)]

    async def scene() -> Verdict:
        judging = make_pipeline(FakeRegistries(lambda _: found())).judge(case(*images, wanted=NOTHING), 0.2)
        return await asyncio.wait_for(judging, 60)

    assert Counter(names(asyncio.run(scene())))["Unavailable"] >= MAX_USES - IMAGES_PER_TURN


class TestOnNode:
    HELD = NodeImages(tagged=frozenset({"registry.example.com/app:1"}))

    @staticmethod
    def of(policy: str, cluster: FakeCluster, registries: FakeRegistries | None = None) -> Verdict:
        one = use("registry.example.com/app:1", policy=policy)
        asked = Case(kind="Pod", namespace="shop", name="my-app", uses=(one,), wanted=NOTHING, mode=Mode.ENFORCE)
        return judged(asked, registries or FakeRegistries(basic), cluster)

    def test_an_image_that_a_node_has_is_warned_about_and_the_warning_says_so(self) -> None:
        verdict = self.of("IfNotPresent", FakeCluster(on_nodes=self.HELD))

        assert (verdict.decision, names(verdict)) == (Decision.WARN, ["Refused"])
        assert verdict.warnings[0].endswith("; a node reports that it has this image")

    def test_under_always_it_does_not_help(self) -> None:
        cluster = FakeCluster(on_nodes=self.HELD)

        assert self.of("Always", cluster).decision is Decision.DENY
        assert "nodes" not in cluster.reads

    def test_an_image_that_no_node_has_is_denied(self) -> None:
        assert self.of("IfNotPresent", FakeCluster()).decision is Decision.DENY

    def test_nodes_are_asked_only_before_a_denial(self) -> None:
        cluster = FakeCluster(on_nodes=self.HELD)

        assert self.of("IfNotPresent", cluster, FakeRegistries(lambda _: found())).decision is Decision.ALLOW
        assert "nodes" not in cluster.reads

    def test_what_was_remembered_as_absent_is_asked_afresh_and_what_was_there_is_not(self) -> None:
        cluster = FakeCluster()
        pipeline = make_pipeline(FakeRegistries(basic), cluster)
        one = use("registry.example.com/app:1")
        asked = Case(kind="Pod", namespace="shop", name="my-app", uses=(one,), wanted=NOTHING, mode=Mode.ENFORCE)

        async def scene() -> list[Decision]:
            before = await pipeline.judge(asked, 5)
            cluster.on_nodes = self.HELD
            after = await pipeline.judge(asked, 5)
            again = await pipeline.judge(asked, 5)
            return [before.decision, after.decision, again.decision]

        assert asyncio.run(scene()) == [Decision.DENY, Decision.WARN, Decision.WARN]
        assert cluster.reads == ["nodes", "nodes"]

    def test_where_the_nodes_cannot_be_listed_any_more_what_was_known_serves(self) -> None:
        cluster = FakeCluster(on_nodes=self.HELD)
        pipeline = make_pipeline(FakeRegistries(basic), cluster)

        async def scene() -> list[Decision]:
            before = await pipeline.judge(self.pod("registry.example.com/app:1"), 5)
            cluster.on_nodes = None
            other = await pipeline.judge(self.pod("registry.example.com/other:1"), 5)
            again = await pipeline.judge(self.pod("registry.example.com/app:1"), 5)
            return [before.decision, other.decision, again.decision]

        assert asyncio.run(scene()) == [Decision.WARN, Decision.DENY, Decision.WARN]
        assert cluster.reads == ["nodes", "nodes"]

    @pytest.mark.parametrize(
        ("rules", "is_controlled", "decision"),
        [
            (Rules(means=NodeMeans(authenticated=("registry.example.com",))), False, Decision.ALLOW),
            (Rules(), True, Decision.WARN),
            (Rules(softeners=Softeners(on_node=Decision.DENY)), False, Decision.DENY),
        ],
    )
    def test_nodes_are_not_asked_where_they_would_change_nothing(
        self, rules: Rules, is_controlled: bool, decision: Decision
    ) -> None:
        cluster = FakeCluster(on_nodes=self.HELD)
        asked = replace(self.pod("registry.example.com/app:1"), is_controlled=is_controlled)

        assert judged(asked, FakeRegistries(basic), cluster, rules=rules).decision is decision
        assert "nodes" not in cluster.reads

    def test_a_registry_that_hangs_when_it_is_asked_again_leaves_time_to_ask_the_nodes(self) -> None:
        def login(password: str) -> SecretState:
            entry = f'"slow.example.com":{{"username":"u","password":"{password}"}}'
            return pull_secret("regcred", f'{{"auths":{{{entry}}}}}'.encode())

        def reject_and_hang(intent: Intent) -> Reply:
            if isinstance(intent, FetchManifest) and intent.authorization:
                registries.delay_seconds = 60
            return answer(401, UNAUTHORIZED, BASIC)

        registries = FakeRegistries(reject_and_hang, slow_at="slow.example.com")
        secrets = {"regcred": login("old")}
        pipeline = make_pipeline(registries, FakeCluster(secrets, on_nodes=self.HELD))

        async def scene() -> Verdict:
            await pipeline.judge(self.pod("slow.example.com/other:1", wanted=WITH_REGCRED), 5)
            registries.delay_seconds = 0
            secrets["regcred"] = login("new")
            images = ("registry.example.com/app:1", "slow.example.com/app:1")
            return await pipeline.judge(self.pod(*images, wanted=WITH_REGCRED), 1)

        verdict = asyncio.run(scene())
        assert names(verdict) == ["Refused", "Unavailable"]
        assert verdict.decision is Decision.WARN

    @staticmethod
    def pod(*images: str, wanted: Wanted = NOTHING) -> Case:
        uses = tuple(use(image, policy="IfNotPresent") for image in images)
        return Case(kind="Pod", namespace="shop", name="my-app", uses=uses, wanted=wanted, mode=Mode.ENFORCE)

    def test_nodes_that_do_not_tell_in_time_soften_nothing(self) -> None:
        class Slow(FakeCluster):
            async def read_node_images(self) -> NodeImages:
                await asyncio.sleep(60)
                return TestOnNode.HELD

        one = use("registry.example.com/app:1")
        asked = Case(kind="Pod", namespace="shop", name="my-app", uses=(one,), wanted=NOTHING, mode=Mode.ENFORCE)

        assert judged(asked, FakeRegistries(basic), Slow(), deadline_seconds=0.2).decision is Decision.DENY


class TestDeadline:
    def test_what_is_known_by_then_counts(self) -> None:
        verdict = judged(
            case("registry.example.com/app:1", "registry.example.com/app:2", wanted=NOTHING),
            FakeRegistries(lambda _: found(), delay_seconds=60, slow_at="manifests/2"),
            deadline_seconds=0.2,
        )

        assert names(verdict) == ["Resolved", "Unavailable"]
        assert verdict.decision is Decision.WARN

    def test_a_registry_that_never_answers_is_a_warning(self) -> None:
        verdict = judged(
            case("registry.example.com/app:1"), FakeRegistries(basic, delay_seconds=60), deadline_seconds=0.1
        )

        assert (verdict.decision, names(verdict)) == (Decision.WARN, ["Unavailable"])
        assert "registry.example.com did not answer in time" in verdict.warnings[0]

    def test_a_cluster_that_never_answers_leaves_time_to_ask_without_it(self) -> None:
        cluster = FakeCluster(delay_seconds=60)
        by_secret = judged(case("nginx"), FakeRegistries(lambda _: found()), cluster, deadline_seconds=0.2)
        by_account = judged(
            case("nginx", wanted=BY_ACCOUNT), FakeRegistries(lambda _: found()), cluster, deadline_seconds=0.2
        )

        for verdict in (by_secret, by_account):
            assert (verdict.decision, names(verdict)) == (Decision.WARN, ["Resolved"])
            assert "the cluster did not answer in time" in verdict.warnings[0]

    def test_no_time_at_all_still_gives_a_verdict(self) -> None:
        verdict = judged(case("nginx"), FakeRegistries(basic), deadline_seconds=-1)

        assert names(verdict) == ["Unavailable"]


def test_a_fault_of_ours_is_a_warning_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Intent) -> Reply:
        raise RuntimeError("boom")

    with caplog.at_level(logging.ERROR):
        verdict = judged(case("nginx"), FakeRegistries(fail))

    assert (verdict.decision, names(verdict)) == (Decision.WARN, ["Unavailable"])
    assert "fault in this webhook" in verdict.warnings[0]
    assert "boom" in caplog.text


def test_who_gives_up_takes_the_conversations_along() -> None:
    registries = FakeRegistries(basic, delay_seconds=60)
    pipeline = make_pipeline(registries, FakeCluster({"regcred": secret()}))

    async def scene() -> int:
        task = asyncio.create_task(pipeline.judge(case("registry.example.com/app:1"), 30))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(scene()) == 0
    assert registries.conversations == 1
