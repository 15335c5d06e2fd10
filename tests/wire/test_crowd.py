"""Who goes when there is no more room."""

import pytest

from webhook.wire.crowd import FAIR_SECONDS, Crowd, Standing

LONG = FAIR_SECONDS + 1
ANYBODY = ""
"""A peer that has no connection yet."""
SILENT, WAITING, UNFINISHED, IDLE, WORKING = Standing


class Connection:
    """Remembers whether it was ended."""

    def __init__(self, name: str, peer: str = "") -> None:
        self.name = name
        self.peer = peer
        self.is_ended = False

    def abort(self) -> None:
        self.is_ended = True


def crowd_of(*members: tuple[str, Standing, float], max_silent: int = 100, max_quiet: int = 100, max_all: int = 100):
    """A crowd of these; the name begins with its peer, `stranger: idle 0`, or each is of a peer of its own."""
    crowd, connections = Crowd(max_silent=max_silent, max_quiet=max_quiet, max_all=max_all), []
    for name, standing, since in members:
        connections.append(Connection(name, name.rpartition(": ")[0] or name))
        crowd.place(connections[-1], standing, since)
    return crowd, connections


def ended(connections):
    return [connection.name for connection in connections if connection.is_ended]


def many(count, standing, since=0.0, peer=""):
    name = f"{peer}: {standing.value}" if peer else standing.value
    return [(f"{name} {number}", standing, since) for number in range(count)]


@pytest.mark.parametrize("standing", Standing)
def test_where_there_is_room_nobody_goes(standing):
    crowd, connections = crowd_of(*many(3, standing), max_silent=4, max_quiet=4, max_all=4)
    assert crowd.let_come(LONG)
    assert crowd.let_begin(LONG, ANYBODY)
    assert ended(connections) == []


@pytest.mark.parametrize("standing", [UNFINISHED, IDLE])
def test_who_has_kept_us_waiting_longest_goes_for_who_comes(standing):
    crowd, connections = crowd_of(("later", standing, 1.0), *many(2, WORKING), max_quiet=1, max_all=3)
    assert crowd.let_come(1.0 + LONG)
    assert ended(connections) == ["later"]
    assert len(crowd) == 2


@pytest.mark.parametrize("standing", [UNFINISHED, IDLE])
def test_who_has_kept_us_waiting_longest_goes_for_who_begins(standing):
    crowd, connections = crowd_of(("first", standing, 0.0), ("later", standing, 1.0), *many(5, SILENT), max_quiet=2)
    assert crowd.let_begin(LONG, ANYBODY)
    assert ended(connections) == ["first"]


@pytest.mark.parametrize("standing", [UNFINISHED, IDLE])
def test_while_nobody_has_kept_us_waiting_for_long_who_comes_has_to_wait(standing):
    crowd, connections = crowd_of(*many(2, standing), max_quiet=2, max_all=2)
    assert not crowd.let_come(FAIR_SECONDS / 2)
    assert not crowd.let_begin(FAIR_SECONDS / 2, ANYBODY)
    assert ended(connections) == []


def test_whoever_has_been_silent_for_long_goes_first():
    crowd, connections = crowd_of(*many(3, SILENT), *many(2, IDLE), max_silent=3)
    assert not crowd.let_come(FAIR_SECONDS / 2)
    assert ended(connections) == []
    assert crowd.let_come(LONG)
    assert ended(connections) == ["silent 0"]


def test_the_silent_take_no_room_from_others():
    crowd, connections = crowd_of(*many(9, SILENT), max_silent=10, max_quiet=1, max_all=1)
    assert crowd.let_begin(0.0, ANYBODY)
    assert crowd.let_come(0.0)
    assert ended(connections) == []


@pytest.mark.parametrize("standing", [UNFINISHED, IDLE])
def test_where_one_peer_takes_more_than_half_of_the_room_it_makes_room_at_once(standing):
    crowd, connections = crowd_of(
        *many(1, standing, peer="server"), *many(5, standing, peer="stranger"), max_quiet=6, max_all=9
    )
    assert crowd.let_begin(0.0, ANYBODY)
    assert ended(connections) == [f"stranger: {standing.value} 0"]


def test_a_peer_that_takes_half_of_the_room_has_the_same_patience_as_others():
    crowd, connections = crowd_of(*many(3, UNFINISHED, peer="a"), *many(3, UNFINISHED, peer="b"), max_quiet=6)
    assert not crowd.let_begin(FAIR_SECONDS / 2, ANYBODY)
    assert ended(connections) == []


def test_a_peer_that_takes_more_than_half_of_the_room_makes_none_for_more_of_its_own():
    crowd, connections = crowd_of(
        *many(1, IDLE, peer="stranger"), *many(5, UNFINISHED, peer="server"), max_quiet=6, max_all=9
    )
    assert not crowd.let_begin(0.0, "server")
    assert ended(connections) == []
    assert crowd.let_begin(0.0, "stranger")
    assert ended(connections) == ["server: unfinished 0"]


def test_handshakes_that_wait_for_us_fill_nobody_s_room_for_the_quiet():
    crowd, connections = crowd_of(
        *many(3, UNFINISHED, peer="a"), *many(3, UNFINISHED, peer="b"), *many(9, WAITING, peer="server"), max_quiet=6
    )
    assert not crowd.let_begin(0.0, "c")
    assert ended(connections) == []


@pytest.mark.parametrize("others", [[], many(1, WORKING, peer="server")], ids=["alone", "beside another"])
def test_handshakes_that_fill_nearly_all_of_the_room_make_room_since_another_may_be_at_the_door(others):
    crowd, connections = crowd_of(
        *others, *many(8 - len(others), WAITING, peer="stranger"), *many(1, SILENT, peer="stranger"), max_all=8
    )
    assert crowd.let_come(0.0)
    assert ended(connections) == ["stranger: waiting 0"]


def test_a_burst_of_one_server_s_beside_others_connections_waits():
    crowd, connections = crowd_of(
        *many(3, IDLE, peer="b"), *many(3, WORKING, peer="a"), *many(6, WAITING, peer="a"), max_all=12
    )
    assert not crowd.let_come(0.0)
    assert ended(connections) == []


def test_whom_we_work_for_counts_when_a_peer_fills_the_room_and_does_not_go():
    crowd, connections = crowd_of(
        *many(1, IDLE, peer="server"),
        *many(8, WORKING, peer="stranger"),
        *many(3, WAITING, peer="stranger"),
        max_all=12,
    )
    assert crowd.let_come(0.0)
    assert ended(connections) == ["stranger: waiting 0"]


def test_where_all_of_a_crowding_peer_are_worked_for_a_slow_one_of_another_goes():
    crowd, connections = crowd_of(*many(1, UNFINISHED, peer="server"), *many(11, WORKING, peer="stranger"), max_all=12)
    assert not crowd.let_come(FAIR_SECONDS / 2)
    assert crowd.let_come(LONG)
    assert ended(connections) == ["server: unfinished 0"]


@pytest.mark.parametrize("newcomer", ["stranger", "server"])
def test_a_peer_that_takes_more_than_half_of_the_room_drives_out_nobody_s_older_ones(newcomer):
    crowd, connections = crowd_of(*many(2, IDLE, peer="server"), *many(4, IDLE, 1.0, peer="stranger"), max_quiet=6)
    assert crowd.let_begin(1.0 + LONG, newcomer)
    assert ended(connections) == ["stranger: idle 0"]


def test_while_none_of_a_crowding_peer_s_has_kept_us_waiting_for_long_its_newcomers_wait():
    crowd, connections = crowd_of(*many(2, IDLE, peer="server"), *many(4, IDLE, LONG, peer="stranger"), max_quiet=6)
    assert not crowd.let_begin(LONG, "stranger")
    assert ended(connections) == []
    assert crowd.let_begin(LONG, "server")


def test_a_peer_that_fills_nearly_all_of_the_room_drives_out_nobody_s_older_ones_at_the_door():
    crowd, connections = crowd_of(
        *many(2, IDLE, peer="server"),
        *many(3, IDLE, 1.0, peer="stranger"),
        *many(7, WORKING, peer="stranger"),
        max_quiet=6,
        max_all=12,
    )
    assert crowd.let_come(1.0 + LONG)
    assert ended(connections) == ["stranger: idle 0"]


def test_a_peer_with_most_of_the_silent_drives_out_nobody_s_older_ones():
    crowd, connections = crowd_of(*many(1, SILENT, peer="server"), *many(4, SILENT, 1.0, peer="a"), max_silent=5)
    assert crowd.let_come(1.0 + LONG)
    assert ended(connections) == ["a: silent 0"]


def test_of_the_silent_those_of_a_peer_with_most_of_them_go_first():
    crowd, connections = crowd_of(*many(1, SILENT, peer="server"), *many(4, SILENT, peer="stranger"), max_silent=5)
    assert crowd.let_come(0.0)
    assert ended(connections) == ["stranger: silent 0"]


def test_a_peer_that_has_left_no_longer_counts():
    crowd, connections = crowd_of(*many(1, IDLE, peer="server"), *many(5, UNFINISHED, peer="stranger"), max_quiet=5)
    crowd.leave(connections[0])
    assert not crowd.let_begin(FAIR_SECONDS / 2, "stranger")
    assert ended(connections) == []


def test_who_is_worked_for_never_goes():
    crowd, connections = crowd_of(*many(4, WORKING), max_quiet=2, max_all=4)
    assert not crowd.let_come(LONG)
    crowd.end_any()
    assert ended(connections) == []
    crowd.leave(connections[0])
    assert crowd.let_come(LONG)


def test_the_silent_go_before_the_unfinished_and_these_before_the_idle():
    crowd, connections = crowd_of(("i", IDLE, 0.0), ("u", UNFINISHED, 0.0), ("s", SILENT, 0.0), max_quiet=1, max_all=3)
    order = []
    for _ in range(3):
        crowd.end_any()
        order += [name for name in ended(connections) if name not in order]
    assert order == ["s", "u", "i"]


def test_a_crowd_at_the_door_takes_the_idle_ones_half_of_the_room_from_nobody():
    crowd, connections = crowd_of(*many(2, IDLE), *many(2, UNFINISHED, LONG), max_quiet=4)
    assert not crowd.let_begin(LONG, ANYBODY)
    assert crowd.let_begin(2 * LONG, ANYBODY)
    assert ended(connections) == ["unfinished 0"]


def test_of_idle_ones_beyond_half_of_the_room_the_one_that_was_used_least_recently_goes():
    crowd, connections = crowd_of(*many(4, IDLE), max_quiet=4)
    for standing in (UNFINISHED, WORKING, IDLE):
        crowd.place(connections[0], standing, LONG)
    assert crowd.let_begin(LONG, ANYBODY)
    assert ended(connections) == ["idle 1"]


def test_what_drips_grows_no_younger():
    crowd, connections = crowd_of(("dripping", UNFINISHED, 0.0), ("silent", UNFINISHED, 1.0), max_quiet=2)
    crowd.place(connections[0], UNFINISHED, 5.0)
    assert crowd.let_begin(9.0, ANYBODY)
    assert ended(connections) == ["dripping"]


def test_it_says_when_there_would_be_too_many_if_all_were_idle():
    crowd, connections = crowd_of(*many(3, WORKING), max_quiet=2)
    assert crowd.is_larger_than_the_quiet_may_be
    crowd.leave(connections[0])
    assert not crowd.is_larger_than_the_quiet_may_be


def test_who_left_is_forgotten_and_may_leave_again():
    crowd, (connection,) = crowd_of(("a", IDLE, 0.0))
    crowd.leave(connection)
    crowd.leave(connection)
    crowd.end_any()
    assert len(crowd) == 0
    assert not connection.is_ended
