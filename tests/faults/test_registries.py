"""Whatever a registry, its token server or the way there does: nothing is denied, nothing is silent, nothing late."""

import pytest

from tests.faults.cases import Case, Form, Kind, Login, Way, in_every_way
from tests.faults.conftest import Show
from tests.faults.fault import Fault
from tests.faults.playing import TIMEOUT_SECONDS, answered, counted
from tests.faults.table import DENIED, OVERCOME, TOLD

LEAST_FAULTS = 40


@in_every_way
@pytest.mark.parametrize("fault", TOLD, ids=str)
def test_a_fault_denies_nothing_and_a_warning_says_what_it_is(
    show: Show, fault: Fault, form: Form, login: Login, kind: Kind
) -> None:
    case = Case(fault.name, Way(form, login, kind))
    played = show.plays[case]
    cause = fault.cause_by_digest if form == "digest" and fault.cause_by_digest else fault.cause
    assert (played.outcome.is_allowed, played.outcome.message) == (True, "")
    assert (played.outcome.decision, played.resolutions) == ("warn", [fault.resolution]), played.outcome.text
    (warning,) = played.outcome.warnings
    assert warning.startswith(f"{kind}/my-app: ")
    assert case.registry in warning
    assert cause in warning
    assert played.seconds < TIMEOUT_SECONDS


@in_every_way
@pytest.mark.parametrize("fault", OVERCOME, ids=str)
def test_what_is_no_obstacle_to_nodes_is_none_here(
    show: Show, fault: Fault, form: Form, login: Login, kind: Kind
) -> None:
    played = show.plays[Case(fault.name, Way(form, login, kind))]
    assert (played.outcome.decision, played.outcome.text, played.resolutions) == ("allow", "", ["Resolved"])
    assert played.seconds < TIMEOUT_SECONDS


@in_every_way
@pytest.mark.parametrize("fault", DENIED, ids=str)
def test_what_a_registry_says_itself_is_denied(show: Show, fault: Fault, form: Form, login: Login, kind: Kind) -> None:
    """Else the rest would prove nothing."""
    played = show.plays[Case(fault.name, Way(form, login, kind))]
    assert (played.outcome.decision, played.resolutions) == ("deny", [fault.resolution])
    assert fault.cause in played.outcome.message
    assert played.seconds < TIMEOUT_SECONDS


def test_every_image_is_counted_by_its_resolution(show: Show) -> None:
    assert counted(show.before, show.after) == answered(show.plays.values())


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len({fault.name for fault in TOLD}) == len(TOLD) >= LEAST_FAULTS
