"""A registry has trouble: work goes on with a warning, whatever the policy; run by `test_outages.py`.

pullcheck has answered, so that `failurePolicy` has no say. Nothing is denied meanwhile, and afterwards every verdict is
right again within seconds, whether or not memory and patience stand between.
"""

import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.cluster.admissions import Created
from tests.cluster.here import Cluster
from tests.cluster.inside import outages
from tests.cluster.inside.outages import FAULTY, IGNORE, MORTAL, POLICIES, RECOVERED_SECONDS, TAG, Scenery, fresh
from tests.fakes.exchange import Fault as Answer
from tests.fakes.exchange import Response

MORE_CALLS = 6
"""Beside those of kubectl: enough failures in a row for anybody to lose patience."""
ERROR = Response.of_error(503, "UNAVAILABLE", "service unavailable", None)
TOO_MANY = Response.of_error(429, "TOOMANYREQUESTS", "too many requests", None)
LATER = Response.of_error(429, "TOOMANYREQUESTS", "too many requests", None, ("Retry-After", "1"))


def kill(scenery: Scenery) -> None:
    scenery.mortal.process.kill()
    scenery.mortal.stop()


def start(scenery: Scenery) -> None:
    scenery.mortal = outages.start_mortal(scenery.cluster)


def stop(scenery: Scenery) -> None:
    scenery.mortal.process.send_signal(signal.SIGSTOP)


def go_on(scenery: Scenery) -> None:
    scenery.mortal.process.send_signal(signal.SIGCONT)


def answer(fault: Answer) -> Callable[[Scenery], None]:
    return lambda scenery: scenery.faulty.faults.append(fault)


def answer_honestly(scenery: Scenery) -> None:
    scenery.faulty.faults.clear()


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    host: str
    inflict: Callable[[Scenery], None]
    heal: Callable[[Scenery], None]
    seconds: float = 0
    """How long it goes on being asked for, so that patience with it has an end."""


FAULTS = [
    Fault("down", MORTAL, kill, start, seconds=4),
    Fault("hanging", MORTAL, stop, go_on),
    Fault("hanging-up", FAULTY, answer(Answer(is_dropped=True)), answer_honestly),
    Fault("error", FAULTY, answer(Answer(response=ERROR)), answer_honestly, seconds=4),
    Fault("too-many", FAULTY, answer(Answer(response=TOO_MANY)), answer_honestly),
    Fault("later", FAULTY, answer(Answer(response=LATER)), answer_honestly),
]


def call_many(scenery: Scenery, fault: Fault) -> list[Created]:
    """Ask for several new images at once, and for more of them one after the other as long as the fault is meant to."""
    end = time.monotonic() + fault.seconds
    images = (f"my-app:later-{number}" for number in itertools.count())
    with ThreadPoolExecutor(MORE_CALLS) as beside:
        called = [beside.submit(scenery.call, IGNORE, fault.host, next(images)) for _ in range(MORE_CALLS)]
        done = [call.result() for call in called]
    while time.monotonic() < end:
        done.append(scenery.call(IGNORE, fault.host, next(images)))
        time.sleep(0.1)
    return done


@pytest.fixture(scope="module")
def scenery(cluster: Cluster) -> Iterator[Scenery]:
    tags = [fresh(fault.name, policy) for fault in FAULTS for policy in POLICIES]
    with outages.set_up(cluster, tags) as scenery:
        yield scenery


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_work_goes_on_with_a_warning_and_verdicts_come_back(scenery: Scenery, fault: Fault) -> None:
    fault.inflict(scenery)
    try:
        seen = scenery.try_all(fault.name, fault.host)
        known = [scenery.call(policy, fault.host, TAG) for policy in POLICIES]
        later = call_many(scenery, fault)
    finally:
        fault.heal(scenery)
    seconds = scenery.wait_until_right(fault.host)

    for (_, image), one in seen.items():
        name = image.replace(":", "-")
        about = f'Deployment/{name}: container "app": image "{fault.host}/{image}"'
        warning, created = one.text.splitlines()
        assert warning.startswith(f"Warning: {about}: could not be checked: "), one.text
        assert created == f"deployment.apps/{name} created"
    # What was there a moment ago may be remembered; it is let in in any case.
    assert [one.status for one in known] == [201, 201]
    assert {(one.status, len(one.warnings)) for one in later} == {(201, 1)}, later
    assert seconds <= RECOVERED_SECONDS
    said = Counter(one.warnings[0].rpartition(": ")[2] for one in later)
    print(f"{fault.name}: {warning}\n{dict(said)}\nright again after {seconds:.1f} s")
