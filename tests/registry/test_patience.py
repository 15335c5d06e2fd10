"""Registries that want to be left alone are, nobody longer than the bounds say, and healthy ones never."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.registry.exchange import (
    AddressRefused,
    Answer,
    BrokenAnswer,
    ConnectFailed,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    Reply,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.registry.origins import Origin, read_origin
from webhook.registry.patience import (
    DOUBT_SECONDS,
    MAX_ACCOUNTS,
    MAX_ASKERS,
    MAX_FAILURES,
    MAX_PLACES,
    OPEN_SECONDS,
    PROBE_SECONDS,
    Patience,
)
from webhook.registry.pause import MAX_PAUSE_SECONDS

HOST = "registry.example.com"
WELL = Answer(200)
DOWN = TimedOut()
RATE_LIMITED = HeldBack("rate limited")
SICK = HeldBack("sick")
FAILURES: list[Reply] = [
    ConnectFailed(),
    TimedOut(),
    TimedOut(while_connecting=True),
    NameNotFound(),
    TlsFailed("expired"),
    ProxyFailed(),
    *map(Answer, (502, 503, 504)),
]
ANSWERS: list[Reply] = [*map(Answer, (200, 301, 401, 403, 404, 418, 429, 500, 501)), SpeaksPlain(), BrokenAnswer()]
NOTHING_SENT: list[Reply] = [AddressRefused(""), HeldBack("sick")]


def limited(seconds: int, status: int = 429) -> Answer:
    return Answer(status, (("Retry-After", str(seconds)),))


def at(host: str, port: int = 443) -> Origin:
    return Origin("https", host, port)


@dataclass
class Player:
    """A patience with one place, unless another is named."""

    patience: Patience = field(default_factory=Patience)

    def ask(self, now: float, *, asker: str = "", account: str = "", host: str = HOST) -> HeldBack | None:
        return self.patience.may_ask(at(host), account, now, asker=asker)

    def note(self, now: float, *replies: Reply, asker: str = "", account: str = "", host: str = HOST) -> None:
        for reply in replies:
            self.patience.note(at(host), account, reply, now, asker=asker)

    def abandon(self, now: float, *, asker: str = "", host: str = HOST) -> None:
        self.patience.note_abandoned(at(host), now, asker=asker)


@pytest.fixture
def player() -> Player:
    return Player()


@pytest.fixture
def sick(player: Player) -> Player:
    """Sick since 0, for askers of every kind."""
    player.note(0, *[DOWN] * MAX_FAILURES)
    assert player.ask(0) == SICK
    return player


@pytest.fixture
def sick_for_all(player: Player) -> Player:
    for number in range(MAX_FAILURES):
        player.note(0, DOWN, asker=f"asker {number}")
    assert player.ask(0, asker="another") == SICK
    return player


def test_an_account_that_was_asked_to_wait_waits_and_no_longer(player: Player) -> None:
    player.note(10, limited(7))
    assert [player.ask(now) for now in (10, 16.9)] == [RATE_LIMITED] * 2
    assert player.ask(17) is None


def test_no_other_account_place_or_port_waits(player: Player) -> None:
    player.note(0, limited(7), account="a")
    assert player.ask(1, account="a") == RATE_LIMITED
    assert player.ask(1) is None
    assert player.ask(1, account="b") is None
    assert player.ask(1, account="a", host="other.example.com") is None
    assert player.patience.may_ask(at(HOST, 5000), "a", 1) is None


def test_of_two_pauses_the_longer_counts(player: Player) -> None:
    player.note(0, limited(30), limited(2))
    assert player.ask(29) == RATE_LIMITED


def test_a_success_that_was_under_way_does_not_shorten_a_pause(player: Player) -> None:
    player.note(0, limited(30), WELL)
    assert player.ask(29) == RATE_LIMITED


def test_a_used_up_quota_on_a_success_is_no_reason(player: Player) -> None:
    player.note(0, Answer(200, (("ratelimit-remaining", "0;w=21600"),)))
    assert player.ask(0) is None


def test_an_explicit_503_is_a_pause_of_its_asker_and_a_failure(player: Player) -> None:
    player.note(0, *[limited(30, 503)] * MAX_FAILURES, account="a", asker="team")
    assert player.ask(2, account="b", asker="team") == RATE_LIMITED
    assert player.ask(2, account="a", asker="other") is None
    assert player.patience.open_places(0.5) == (HOST,)


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_failures_in_a_row_make_a_place_sick(player: Player, failure: Reply) -> None:
    player.note(0, *[failure] * (MAX_FAILURES - 1))
    assert player.ask(0) is None
    player.note(0, failure)
    assert player.ask(0) == SICK
    assert player.ask(0, host="other.example.com") is None
    assert player.patience.may_ask(at(HOST, 5000), "", 0) is None


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_any_other_answer_begins_the_row_anew(player: Player, answer: Reply) -> None:
    player.note(0, *[DOWN] * (MAX_FAILURES - 1), answer, *[DOWN] * (MAX_FAILURES - 1))
    assert player.ask(0, account="a") is None


@pytest.mark.parametrize("reply", NOTHING_SENT, ids=repr)
def test_where_nothing_was_sent_nothing_is_known(player: Player, reply: Reply) -> None:
    player.note(0, *[reply] * MAX_FAILURES)
    assert player.ask(0) is None
    player.note(0, *[DOWN] * (MAX_FAILURES - 1), reply, DOWN)
    assert player.ask(0) == SICK


def test_one_probe_is_let_through_and_the_others_wait_for_it(sick: Player) -> None:
    assert sick.ask(OPEN_SECONDS - 0.01) == SICK
    assert sick.ask(OPEN_SECONDS) is None
    assert [sick.ask(now) for now in (OPEN_SECONDS, OPEN_SECONDS + 3.5)] == [SICK] * 2


def test_a_probe_that_succeeds_ends_it(sick: Player) -> None:
    sick.ask(1)
    sick.note(1.1, WELL)
    assert [sick.ask(1.1) for _ in range(3)] == [None] * 3


def test_a_probe_that_fails_begins_it_anew(sick: Player) -> None:
    sick.ask(1)
    sick.note(3, DOWN)
    assert sick.ask(3.9) == SICK
    assert [sick.ask(4), sick.ask(4)] == [None, SICK]


def test_an_abandoned_probe_makes_room_for_the_next(sick: Player) -> None:
    sick.ask(1)
    sick.abandon(1.5)
    assert [sick.ask(1.5), sick.ask(1.5)] == [None, SICK]


def test_a_probe_whose_address_is_refused_makes_room_for_the_next(sick: Player) -> None:
    sick.ask(1)
    sick.note(1.5, AddressRefused(""))
    assert [sick.ask(1.5), sick.ask(1.5)] == [None, SICK]


def test_a_probe_that_never_reports_makes_room_by_itself(sick: Player) -> None:
    sick.ask(1)
    assert sick.ask(1 + PROBE_SECONDS - 0.01) == SICK
    assert [sick.ask(1 + PROBE_SECONDS), sick.ask(1 + PROBE_SECONDS)] == [None, SICK]


def test_abandoning_where_nothing_is_known_means_nothing(player: Player) -> None:
    player.abandon(0)
    player.note(0, *[DOWN] * MAX_FAILURES)
    player.abandon(0.5)
    assert player.ask(0.5) == SICK


def test_failures_of_requests_that_were_under_way_do_not_prolong_it(sick: Player) -> None:
    sick.note(0.9, DOWN, DOWN)
    assert sick.ask(1) is None


def test_after_a_while_without_questions_all_are_let_through_and_one_failure_is_enough(sick: Player) -> None:
    now = OPEN_SECONDS + DOUBT_SECONDS
    assert [sick.ask(now) for _ in range(3)] == [None] * 3
    sick.note(now, DOWN)
    assert sick.ask(now) == SICK


def test_what_one_asker_meets_holds_back_that_asker_alone(player: Player) -> None:
    """However often: its repository may be what is broken, and the registry well."""
    for now in range(100):
        if player.ask(now, asker="noisy") is None:
            player.note(now, *[DOWN] * MAX_FAILURES, asker="noisy")
        assert player.ask(now, asker="noisy") == SICK
        assert player.ask(now, asker="quiet") is None


def test_what_several_askers_meet_holds_back_all(player: Player) -> None:
    askers = [f"asker {number}" for number in range(MAX_FAILURES)]
    for asker in askers:
        assert player.ask(0, asker="another") is None
        player.note(0, DOWN, asker=asker)
    assert player.ask(0, asker="another") == SICK
    assert [player.ask(0.9, asker=asker) for asker in askers] == [SICK] * MAX_FAILURES, "they need no rows of their own"


@pytest.mark.parametrize("count", range(1, MAX_FAILURES))
def test_what_fewer_askers_meet_in_turn_holds_back_nobody_else(player: Player, count: int) -> None:
    """However often, and as each other's probes too: they may be one tenant's namespaces."""
    for number in range(500):
        now, asker = number * OPEN_SECONDS / 4, f"asker {number % count}"
        if player.ask(now, asker=asker) is None:
            player.note(now, DOWN, asker=asker)
        assert player.ask(now, asker="quiet") is None


def test_where_only_two_deploy_each_is_spared_by_its_own_row(player: Player) -> None:
    for _ in range(MAX_FAILURES - 1):
        player.note(0, DOWN, asker="a")
        player.note(0, DOWN, asker="b")
    assert [player.ask(0, asker=asker) for asker in "ab"] == [None] * 2
    player.note(0, DOWN, asker="a")
    assert [player.ask(0, asker=asker) for asker in "ab"] == [SICK, None]
    player.note(0, DOWN, asker="b")
    assert [player.ask(0, asker=asker) for asker in "ab"] == [SICK] * 2
    assert player.patience.open_places(0) == (HOST,)


def test_an_answer_to_anybody_lets_askers_count_anew(player: Player) -> None:
    for number in range(MAX_FAILURES - 1):
        player.note(0, DOWN, asker=f"asker {number}")
    player.note(0, WELL, asker="another")
    player.note(0, DOWN, asker="another")
    assert player.ask(0, asker="quiet") is None
    for number in range(MAX_FAILURES - 1):
        player.note(0, DOWN, asker=f"asker {number}")
    assert player.ask(0, asker="quiet") == SICK


def test_one_probe_is_let_through_for_all(sick_for_all: Player) -> None:
    assert sick_for_all.ask(1, asker="a") is None
    assert sick_for_all.ask(1, asker="b") == SICK
    sick_for_all.note(2, DOWN, asker="a")
    assert [sick_for_all.ask(2.5, asker=asker) for asker in "ab"] == [SICK] * 2
    assert sick_for_all.ask(3, asker="b") is None
    sick_for_all.note(3, WELL, asker="b")
    assert [sick_for_all.ask(3, asker=asker) for asker in "abc"] == [None] * 3


def test_nobody_is_the_probe_for_all_twice_in_a_row(sick_for_all: Player) -> None:
    """Else one whose repository is broken could hold up the others for as long as it likes."""
    sick_for_all.ask(1, asker="noisy")
    sick_for_all.note(2, DOWN, asker="noisy")
    assert sick_for_all.ask(3, asker="noisy") is None
    assert sick_for_all.ask(3, asker="quiet") is None


def test_two_in_turn_are_not_the_probe_for_all_again_and_again(sick_for_all: Player) -> None:
    for now, asker in ((1, "a"), (2, "b")):
        assert sick_for_all.ask(now, asker=asker) is None
        assert sick_for_all.ask(now, asker="quiet") == SICK
        sick_for_all.note(now, DOWN, asker=asker)
    assert [sick_for_all.ask(3, asker=asker) for asker in "ab"] == [None] * 2, "each for itself"
    sick_for_all.note(3, DOWN, asker="a")
    sick_for_all.note(3, DOWN, asker="b")
    assert sick_for_all.ask(3, asker="quiet") is None


def test_who_failed_of_late_is_held_back_as_long_as_all_are(sick_for_all: Player) -> None:
    sick_for_all.ask(1, asker="probe")
    sick_for_all.note(1.5, DOWN, asker="probe")
    last = f"asker {MAX_FAILURES - 1}"
    assert [sick_for_all.ask(2.4, asker=asker) for asker in (last, "probe", "quiet")] == [SICK] * 3
    assert [sick_for_all.ask(2.5, asker=asker) for asker in (last, "probe", "quiet")] == [None] * 3


def test_sick_places_are_named_once_and_for_as_long(player: Player) -> None:
    urls = [f"https://{HOST}/v2", f"http://{HOST}/v2", f"https://{HOST}:5000/v2", "https://[::0:1]:5000/v2"]
    for origin in filter(None, map(read_origin, urls)):
        for _ in range(MAX_FAILURES):
            player.patience.note(origin, "", DOWN, 0, asker="a")
    player.note(0, DOWN, host="other.example.com")
    assert player.patience.open_places(0.5) == (HOST, f"{HOST}:5000", "[::1]:5000")
    assert player.patience.open_places(OPEN_SECONDS) == ()


def test_memory_is_bounded_and_what_is_longest_unheard_of_is_forgotten(player: Player) -> None:
    for number in range(5000):
        player.note(0, limited(9), account=str(number))
        player.note(0, limited(9), account="renewed")
    for number in range(5000):
        player.note(0, DOWN, asker=str(number))
        player.note(0, DOWN, host=f"{number}.example.com")
    assert len(player.patience._pauses) == MAX_ACCOUNTS
    assert len(player.patience._places) == MAX_PLACES
    assert len(player.patience._places[at(HOST)].own) == MAX_ASKERS
    assert len(player.patience._places[at(HOST)].recent) == MAX_FAILURES - 1
    assert [player.ask(0, account=account) for account in ("renewed", "4999", "0")] == [RATE_LIMITED] * 2 + [SICK]


def test_a_place_that_is_heard_of_is_not_forgotten(player: Player) -> None:
    player.note(0, *[DOWN] * (MAX_FAILURES - 1), asker="first")
    for number in range(5000):
        player.note(0, DOWN, host=f"{number}.example.com")
        player.note(0, DOWN, asker="second")
    player.note(0, DOWN, asker="first")
    assert player.ask(0, asker="first") == SICK


def test_a_healthy_place_costs_nothing(player: Player) -> None:
    for number in range(100):
        player.ask(0, host=f"{number}.example.com")
        player.note(0, WELL, host=f"{number}.example.com")
        player.note(0, DOWN, WELL, host=f"{number}.example.com")
    assert not player.patience._pauses
    assert not player.patience._places


Step = tuple[float, str, str, str, str, Reply]
replies = st.sampled_from([*FAILURES, *ANSWERS, *NOTHING_SENT]) | st.integers(0, 10**12).map(limited)
histories = st.lists(
    st.tuples(
        st.floats(0, 5),
        st.sampled_from(["ask", "note", "abandon"]),
        st.sampled_from(["one.example.com", "two.example.com"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "account"]),
        replies | st.just(DOWN),
    ),
    max_size=60,
)


def play(player: Player, history: list[Step], watch: Callable[[float], None]) -> float:
    now = 0.0
    for seconds, action, host, asker, account, reply in history:
        now += seconds
        match action:
            case "ask":
                player.ask(now, asker=asker, account=account, host=host)
            case "note":
                player.note(now, reply, asker=asker, account=account, host=host)
            case _:
                player.abandon(now, asker=asker, host=host)
        watch(now)
    return now


@given(histories, st.sampled_from(["one.example.com", "two.example.com"]), st.sampled_from("abcd"))
def test_after_any_history_nobody_is_held_back_longer_than_the_bounds(
    history: list[Step], host: str, asker: str
) -> None:
    player = Player()
    now = play(player, history, lambda _: None)
    held = player.ask(now, asker=asker, account="account", host=host)
    if held == SICK:
        assert player.ask(now + max(OPEN_SECONDS, PROBE_SECONDS), asker=asker, host=host, account="new") is None
    assert player.ask(now + MAX_PAUSE_SECONDS + 1e-6, asker=asker, account="account", host=host) is None


@given(histories)
def test_in_any_history_a_healthy_place_is_never_held_back(history: list[Step]) -> None:
    player = Player()

    def watch(now: float) -> None:
        player.note(now, WELL, host="healthy.example.com")
        assert [player.ask(now, asker=asker, host="healthy.example.com") for asker in "abc"] == [None] * 3

    play(player, history, watch)


@given(histories, st.sampled_from(ANSWERS))
def test_after_any_history_one_answer_makes_a_place_well_for_all(history: list[Step], answer: Reply) -> None:
    player = Player()
    now = play(player, history, lambda _: None)
    player.note(now, answer, account="somebody's", host="one.example.com")
    assert [player.ask(now, asker=asker, account="new", host="one.example.com") for asker in "abc"] == [None] * 3
    assert "one.example.com" not in player.patience.open_places(now)


@given(histories)
def test_in_any_history_three_askers_never_hold_back_another(history: list[Step]) -> None:
    player = Player()

    def watch(now: float) -> None:
        assert player.ask(now, asker="quiet", account="its own", host="one.example.com") is None

    play(player, history, watch)


@pytest.mark.parametrize("askers", [1, 2, 5, 40])
@pytest.mark.parametrize("hang_seconds", [0.001, 0.5, 2.0, 3.5])
@pytest.mark.parametrize("interval_seconds", [0.013, 0.1, 0.4])
def test_a_registry_that_dies_and_comes_back_is_judged_rightly_within_5_seconds(
    askers: int, hang_seconds: float, interval_seconds: float
) -> None:
    """Askers take turns; it is dead from 10 to 40, and whoever asked then learns of it when its time is over."""
    player, patience = Player(), Patience()
    player.patience = patience
    ends: list[tuple[float, int, str, Reply]] = []
    held: list[float] = []
    failed: list[float] = []
    for number in range(int(60 / interval_seconds)):
        now, asker = number * interval_seconds, f"asker {number % askers}"
        while ends and ends[0][0] <= now:
            at, _, who, reply = heapq.heappop(ends)
            player.note(at, reply, asker=who)
        if player.ask(now, asker=asker) is not None:
            held.append(now)
        elif 10 <= now < 40:
            failed.append(now)
            heapq.heappush(ends, (now + hang_seconds, number, asker, DOWN))
        else:
            heapq.heappush(ends, (now + 0.02, number, asker, WELL))

    assert held, "it does hold back"
    assert min(held) >= 10
    assert max(held) <= 45
    late = [now for now in failed if now > 10 + hang_seconds + MAX_FAILURES * (hang_seconds + interval_seconds) * 2]
    assert len(late) <= 30 / OPEN_SECONDS * min(askers, MAX_FAILURES) + MAX_FAILURES, "most were spared"
