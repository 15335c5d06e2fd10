"""The table and its softeners."""

import pytest

from tests.verdict.making import reference, use
from webhook.images.uses import Place
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Invalid,
    Missing,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    UnsupportedCause,
    Unverifiable,
    UnverifiableCause,
)
from webhook.verdict.policy import (
    Circumstances,
    Decision,
    Mode,
    NodeMeans,
    Policy,
    Rules,
    Softeners,
    decide,
    reconsider,
    worst,
)

HOST = "registry.example.com"
MISSING = Missing(HOST)
REFUSED = Refused(HOST, RefusedCause.LOGIN_WANTED)
SILENT = Unavailable(HOST, UnavailableCause.SILENT)
PAGE = Unsupported(HOST, UnsupportedCause.WEB_PAGE)
ALL: list[tuple[Resolution, Decision]] = [
    (Resolved("sha256:0"), Decision.ALLOW),
    (MISSING, Decision.DENY),
    (REFUSED, Decision.DENY),
    (Invalid("invalid reference format"), Decision.DENY),
    (PAGE, Decision.WARN),
    (Unverifiable(HOST, UnverifiableCause.NODE_LOGIN), Decision.ALLOW),
    (SILENT, Decision.WARN),
    (Blocked(HOST, BlockedCause.HOST), Decision.WARN),
]
CIRCUMSTANCES = {
    "absent secret": Circumstances(has_absent_secret=True),
    "controlled": Circumstances(is_controlled=True),
    "inactive": Circumstances(is_inactive=True),
    "on node": Circumstances(is_on_node=True),
}
DENIED = [resolution for resolution, decision in ALL if decision is Decision.DENY]


@pytest.mark.parametrize(("resolution", "expected"), ALL)
def test_every_resolution_has_its_default(resolution: Resolution, expected: Decision) -> None:
    assert decide(resolution, Circumstances(), Rules()) == (expected, False)


@pytest.mark.parametrize(("resolution", "name"), [(one, type(one).__name__.lower()) for one, _ in ALL[1:]])
def test_each_entry_of_the_table_can_be_set(resolution: Resolution, name: str) -> None:
    for decision in Decision:
        rules = Rules(policy=Policy(**{name: decision}))

        assert decide(resolution, Circumstances(), rules) == (decision, False)


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
@pytest.mark.parametrize("resolution", DENIED)
def test_each_circumstance_softens_a_denial(circumstance: str, resolution: Resolution) -> None:
    decided, _ = decide(resolution, CIRCUMSTANCES[circumstance], Rules())
    is_excepted = circumstance == "absent secret" and isinstance(resolution, Invalid)

    assert decided is (Decision.DENY if is_excepted else Decision.WARN)


def test_a_softener_may_take_the_warning_too_or_leave_the_denial() -> None:
    circumstances = Circumstances(is_controlled=True, is_inactive=True)

    assert decide(MISSING, circumstances, Rules(softeners=Softeners(controlled=Decision.ALLOW)))[0] is Decision.ALLOW
    hard = Softeners(controlled=Decision.DENY, inactive=Decision.DENY)
    assert decide(MISSING, circumstances, Rules(softeners=hard))[0] is Decision.DENY


def test_a_softener_makes_nothing_harder() -> None:
    rules = Rules(policy=Policy(unavailable=Decision.ALLOW), softeners=Softeners(inactive=Decision.WARN))

    assert decide(SILENT, Circumstances(is_inactive=True), rules)[0] is Decision.ALLOW


def test_in_mode_warn_a_denial_becomes_a_warning_that_says_so() -> None:
    warn = Circumstances(mode=Mode.WARN)

    assert decide(MISSING, warn, Rules()) == (Decision.WARN, True)
    assert decide(SILENT, warn, Rules()) == (Decision.WARN, False)
    assert decide(MISSING, Circumstances(mode=Mode.WARN, is_inactive=True), Rules()) == (Decision.WARN, False)


def test_only_the_value_warn_overrides_and_only_where_the_annotation_is_switched_on() -> None:
    rules = Rules(override_annotation="pullcheck.dev/mode")

    assert rules.mode_for({"pullcheck.dev/mode": "warn"}, Mode.ENFORCE) is Mode.WARN
    assert rules.mode_for({"pullcheck.dev/mode": "off"}, Mode.ENFORCE) is Mode.ENFORCE
    assert rules.mode_for({"pullcheck.dev/mode": "enforce"}, Mode.WARN) is Mode.WARN
    assert rules.mode_for({}, Mode.ENFORCE) is Mode.ENFORCE
    assert Rules().mode_for({"": "warn"}, Mode.ENFORCE) is Mode.ENFORCE


def test_the_hardest_decision_is_the_workloads() -> None:
    assert worst([]) is Decision.ALLOW
    assert worst([Decision.WARN, Decision.ALLOW]) is Decision.WARN
    assert worst([Decision.WARN, Decision.DENY, Decision.ALLOW]) is Decision.DENY


class TestNodeMeans:
    MEANS = NodeMeans(authenticated=("*.example.com",), preloaded=("registry.example.com/team",))

    def test_a_refusal_where_nodes_log_in_proves_nothing(self) -> None:
        assert reconsider(REFUSED, use(policy="Always"), reference(), self.MEANS) == Unverifiable(
            HOST, UnverifiableCause.NODE_LOGIN
        )

    @pytest.mark.parametrize("resolution", [MISSING, SILENT, PAGE, Blocked(HOST, BlockedCause.HOST)])
    def test_everything_else_there_stands(self, resolution: Resolution) -> None:
        means = NodeMeans(authenticated=("*",))

        assert reconsider(resolution, use(), reference(), means) is resolution

    def test_a_broken_secret_spoils_the_nodes_own_logins_too(self) -> None:
        broken = Refused(HOST, RefusedCause.BROKEN_SECRET)

        assert reconsider(broken, use(policy="Always"), reference(), self.MEANS) is broken

    @pytest.mark.parametrize("resolution", [MISSING, SILENT, REFUSED])
    def test_what_nodes_carry_need_not_be_pulled(self, resolution: Resolution) -> None:
        found = reconsider(resolution, use(), reference(), NodeMeans(preloaded=("registry.example.com/team",)))

        assert found == Unverifiable(HOST, UnverifiableCause.PRELOADED)

    def test_under_always_they_ask_the_registry_all_the_same(self) -> None:
        assert reconsider(MISSING, use(policy="Always"), reference(), self.MEANS) is MISSING

    def test_other_registries_are_not_meant(self) -> None:
        other = reference("other.example.net/team/app:1")

        assert reconsider(REFUSED, use(), other, self.MEANS) is REFUSED


def test_an_image_volume_is_never_unsupported() -> None:
    volume = use(place=Place.VOLUME)

    assert reconsider(PAGE, volume, reference(), NodeMeans()) == Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY)
    assert reconsider(PAGE, use(), reference(), NodeMeans()) is PAGE
