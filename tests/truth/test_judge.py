"""What counts as a fault of a scene: a false denial, always; silence and doubt without a reason; a needless reason."""

from dataclasses import replace

import pytest

from tests.truth.judge import find_fault, find_faults, is_spared, matrix, offers
from tests.truth.outcome import Decision, Outcome
from tests.truth.scenes.scene import Scene
from tests.truth.standins.stage import Record

HOST = "registry.example.com"
SCENE = Scene(group="", name="a", title="", host=HOST, repository="private/a", support=(), workload={})


def record(side: str = "node", login: str = "", how: str = "", host: str = HOST) -> Record:
    return Record(side=side, host=host, method="HEAD", role="manifest", login=login, how=how, status=401)


def outcome(
    decision: Decision,
    *,
    has_pulled: bool,
    node: tuple[Record, ...] = (record(),),
    ours: tuple[Record, ...] = (record("webhook"),),
    runs: bool | None = None,
) -> Outcome:
    return Outcome(
        name="a",
        has_pulled=has_pulled,
        node_words="",
        runs=has_pulled if runs is None else runs,
        decision=decision,
        words=(),
        node_requests=node,
        requests=ours,
        second_decision=decision,
        second_words=(),
        second_requests=ours,
    )


@pytest.mark.parametrize(("has_pulled", "decision"), [(True, "allow"), (False, "warn"), (False, "deny")])
def test_agreement_needs_no_reason(has_pulled: bool, decision: Decision) -> None:
    assert find_fault(SCENE, outcome(decision, has_pulled=has_pulled)) == ""


def test_a_false_denial_is_a_fault_whatever_the_scene_says() -> None:
    excused = replace(SCENE, silence="x", doubt="x", differs="x")

    assert find_fault(excused, outcome("deny", has_pulled=True)) == "the node pulls, and we deny"


@pytest.mark.parametrize(
    ("has_pulled", "decision", "reason", "fault"),
    [
        (False, "allow", replace(SCENE, silence="because"), "the node fails, and we say nothing"),
        (True, "warn", replace(SCENE, doubt="because"), "the node pulls, and we warn"),
    ],
)
def test_silence_and_doubt_need_a_reason(has_pulled: bool, decision: Decision, reason: Scene, fault: str) -> None:
    played = outcome(decision, has_pulled=has_pulled)

    assert find_fault(SCENE, played) == fault
    assert find_fault(reason, played) == ""


def test_a_pod_that_runs_without_one_of_its_images_needs_a_reason() -> None:
    played = outcome("deny", has_pulled=False, runs=True)

    assert find_fault(SCENE, played) == "the node fails, and the pod runs all the same"
    assert find_fault(replace(SCENE, spared="because"), played) == ""


@pytest.mark.parametrize(
    "reason",
    [
        replace(SCENE, silence="because"),
        replace(SCENE, doubt="because"),
        replace(SCENE, spared="because"),
        replace(SCENE, differs="because"),
    ],
)
def test_a_reason_that_nothing_calls_for_is_a_fault(reason: Scene) -> None:
    found = find_fault(reason, outcome("deny", has_pulled=False))

    assert found.startswith("not so, though the scene says why it would be: ")


def test_logins_offered_otherwise_need_a_reason() -> None:
    played = outcome("deny", has_pulled=False, node=(record(), record(login="alice", how="password")))

    assert find_fault(SCENE, played) == "logins are offered otherwise"
    assert find_fault(replace(SCENE, differs="because"), played) == ""


def test_a_login_that_we_alone_offer_is_a_fault_even_with_a_reason() -> None:
    differing = replace(SCENE, differs="because")
    ours = (record("webhook"), record("webhook", "alice", "password", "elsewhere.example.org"))

    assert find_fault(differing, outcome("deny", has_pulled=False, ours=ours)) == (
        "offered by us alone: elsewhere.example.org: alice"
    )
    assert find_fault(differing, outcome("allow", has_pulled=True, node=(), ours=ours)) == (
        "offered by us alone: elsewhere.example.org: alice"
    )


def test_where_the_node_asks_nobody_the_registry_itself_may_have_the_login() -> None:
    ours = (record("webhook"), record("webhook", "alice", "password"))

    assert find_fault(replace(SCENE, differs="because"), outcome("allow", has_pulled=True, node=(), ours=ours)) == ""


def test_another_tenant_is_told_the_same_and_costs_the_registries_no_other_login_host_or_order() -> None:
    bare, login, token = (record("webhook", *shown) for shown in (("", ""), ("alice", "password"), ("alice", "token")))
    elsewhere = record("webhook", host="elsewhere.example.org")
    first = outcome("deny", has_pulled=False, ours=(bare, login, token, bare))
    node_too = replace(first, node_requests=first.requests)

    for fewer in ((), (bare,), (token,), (login, bare), (login, login, token)):
        assert find_fault(SCENE, replace(node_too, second_requests=fewer)) == ""
    for more in ((token, login), (elsewhere,), (bare, login, bare, token)):
        assert "for another tenant" in find_fault(SCENE, replace(node_too, second_requests=more))
    assert "told otherwise: allow" in find_fault(SCENE, replace(node_too, second_decision="allow"))
    assert "told otherwise: deny: other" in find_fault(SCENE, replace(node_too, second_words=("other",)))
    assert is_spared(replace(node_too, second_requests=(bare,)))
    assert not is_spared(node_too)


def test_repeated_offers_count_once_and_a_token_of_nobody_is_none() -> None:
    seen = [record(), record(login="alice", how="password"), record(login="alice", how="password"), record(how="token")]

    assert list(map(str, offers(seen))) == [f"{HOST}: nobody", f"{HOST}: alice"]


def test_faults_are_named_by_scene_and_outcomes_are_counted() -> None:
    good, bad = outcome("allow", has_pulled=True), outcome("deny", has_pulled=True)
    scenes = [SCENE, replace(SCENE, name="b")]

    assert find_faults(scenes, [good, bad]) == {"b": "the node pulls, and we deny"}
    assert matrix([good, good, bad]) == {(True, "allow"): 2, (True, "deny"): 1}
