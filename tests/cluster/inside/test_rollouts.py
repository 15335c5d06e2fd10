"""Replicas that go and come under load: the API server does not notice; run by `test_outages.py`."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster import admissions, rollouts
from tests.cluster.here import Cluster
from tests.cluster.load import Load
from tests.cluster.replicas import Fleet

RATE = 100
RESTARTS = 6
NOTICED_SECONDS = 3
"""What it takes until nobody is sent to a replica that is dead: a look each second that waits a second for an answer,
and as long again for a busy machine."""


@pytest.fixture(scope="module")
def fleet(cluster: Cluster) -> Iterator[Fleet]:
    with rollouts.prepared(cluster) as fleet:
        yield fleet


def test_nobody_notices_that_replicas_are_restarted_in_turn(cluster: Cluster, fleet: Fleet) -> None:
    figures = rollouts.roll(cluster, fleet, restarts=RESTARTS, rate=RATE)

    print(figures)
    assert (figures.calls.failed_open, figures.calls.failed) == (0, 0), figures
    assert figures.tally.surprises == [], figures
    assert figures.codes == {0: RESTARTS}
    assert figures.calls.all >= RESTARTS * RATE


def test_one_that_is_killed_costs_what_it_had_in_flight_and_a_moment(cluster: Cluster, fleet: Fleet) -> None:
    """The policy is Ignore: what it had in flight, and what is sent to it until it is missed, is let through."""
    with Load(cluster, rollouts.NAMESPACE, rollouts.IMAGES, RATE) as load:
        time.sleep(1)
        killed = time.monotonic()
        fleet.replicas[0].kill()
        time.sleep(NOTICED_SECONDS + 2)
        fleet.replicas[0].start()
        fleet.wait_for(fleet.replicas[0])
        time.sleep(1)

    after = [surprise.at - killed for surprise in load.tally.surprises]
    assert {surprise.text for surprise in load.tally.surprises} <= {"let through"}
    assert set(load.tally.statuses) == {201, 403}
    assert all(0 <= seconds < NOTICED_SECONDS for seconds in after), after
    assert len(load.tally.seconds) >= NOTICED_SECONDS * RATE
    assert admissions.read_calls(cluster).failed == 0
    print(
        f"killed: {len(after)} of {len(load.tally.seconds)} let through, the last after {max(after, default=0):.1f} s"
    )
