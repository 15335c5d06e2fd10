"""Whatever the cluster's API server does: what needs no login is found, what needs one is not denied for the lack."""

import time

import pytest

from tests.faults import cases, clusters
from tests.faults.cases import WAYS, Case, Form, Kind, Login, Way, in_every_way
from tests.faults.conftest import SOUND, Ailing
from tests.faults.playing import TIMEOUT_SECONDS, Played, answered, counted, play, play_all

SETTLING_SECONDS = 4.0
"""A read that nobody waits for any more is over by then: its time limit and a second."""


def plays_of(request: pytest.FixtureRequest, ailment: str) -> dict[Case, Played]:
    """What came of an ailment; only the webhooks that are wanted are started."""
    if ailment == clusters.REFUSED:
        cut_off: dict[Case, Played] = request.getfixturevalue("cut_off")
        return cut_off
    treated: Ailing = request.getfixturevalue("lingering" if ailment in clusters.SLOW else "ailing")
    return treated.show.plays


@in_every_way
@pytest.mark.parametrize("ailment", clusters.REASONS)
def test_what_cannot_be_read_denies_nothing_and_is_told(
    request: pytest.FixtureRequest, *, ailment: str, form: Form, login: Login, kind: Kind
) -> None:
    way = Way(form, login, kind)
    played = plays_of(request, ailment)[Case(ailment, way)]
    unread = clusters.unread(way)
    assert played.outcome.is_allowed
    assert played.resolutions == ["Resolved" if login == "no secret" else "Refused"]
    assert played.seconds < TIMEOUT_SECONDS
    assert played.outcome.decision == ("warn" if unread else "allow")
    notes = [warning for warning in played.outcome.warnings if "; checked without it" in warning]
    assert [f"{unread} could not be read (" in note and clusters.REASONS[ailment] in note for note in notes] == (
        [True] if unread else []
    )


@pytest.mark.parametrize("webhook", ["ailing", "lingering"])
def test_every_image_is_counted_by_its_resolution(request: pytest.FixtureRequest, webhook: str) -> None:
    show = request.getfixturevalue(webhook).show
    assert counted(show.before, show.after) == answered(show.plays.values())


def test_reads_that_drip_are_over_soon(lingering: Ailing) -> None:
    """Threads that read are few: where each stays with a server that drips, nobody's secrets are read any more."""
    play_all(lingering.running, cases.of("api-drip"))
    time.sleep(SETTLING_SECONDS)
    sound = Case(SOUND, WAYS[4])
    played = play(lingering.running, cases.asked(sound.way, SOUND, sound.image()))
    assert (played.outcome.decision, played.outcome.text) == ("allow", "")
