"""Pull secrets are read as the kubelet reads them: what it cannot use is denied by name, a late one counts at once."""

import pytest

from tests.faults import secrets
from tests.faults.cases import FORMS, KINDS, SECRET, Case, Form, Kind, Login, Way
from tests.faults.conftest import Ailing
from tests.faults.playing import TIMEOUT_SECONDS, play

WITH_SECRET: tuple[Login, ...] = ("pod secret", "account secret")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("login", WITH_SECRET)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", secrets.ODD)
def test_a_secret_counts_for_what_the_kubelet_makes_of_it(
    ailing: Ailing, *, name: str, form: Form, login: Login, kind: Kind
) -> None:
    odd, played = secrets.ODD[name], ailing.show.plays[Case(name, Way(form, login, kind))]
    assert (played.outcome.decision, played.resolutions) == (
        odd.decision,
        ["Resolved" if odd.decision == "allow" else "Refused"],
    )
    assert odd.words in played.outcome.text
    assert odd.decision == "allow" or f'"{SECRET}"' in played.outcome.text
    assert played.seconds < TIMEOUT_SECONDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("login", WITH_SECRET)
@pytest.mark.parametrize("first", ["secret-absent", "secret-rejected", "secret-no-json"])
def test_a_secret_that_comes_or_is_mended_just_after_counts_at_once(
    ailing: Ailing, *, first: str, login: Login, kind: Kind
) -> None:
    name = f"later-{first}"
    case = Case(name, Way("tag", login, kind))
    ailing.put_secret(name, secrets.ODD[first].document)
    assert play(ailing.running, case.review()).outcome.decision == secrets.ODD[first].decision
    ailing.put_secret(name, secrets.ODD["secret-sound"].document)
    after = play(ailing.running, case.review())
    assert (after.outcome.decision, after.resolutions, after.outcome.text) == ("allow", ["Resolved"], "")
