"""The claims about two tenants, for many seeds."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.tenants.play import Played, play
from tests.tenants.script import Author, Round, with_other_logins, without_reviews
from tests.tenants.world import TENANTS

STEPS_OF_ONE_WORLD = 1000
TROUBLED = 4
"""Every fourth world has registries in trouble, and public images that go; what is compared there is less."""


@dataclass
class Outcome:
    """What became of all of it."""

    steps: int = 0
    worlds: int = 0
    compared: int = 0
    """Answers to one tenant, each held against the one that it gets without the other, or beside another one."""
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def check(steps: int, *, seed: int = 0) -> Outcome:
    """Play so many steps, in worlds that begin with this seed."""
    outcome = Outcome()
    while outcome.steps < steps:
        _check_world(seed + outcome.worlds, min(STEPS_OF_ONE_WORLD, steps - outcome.steps), outcome)
    return outcome


def _check_world(seed: int, steps: int, outcome: Outcome) -> None:
    is_calm = seed % TROUBLED != TROUBLED - 1
    rounds = tuple(Author(seed, is_calm=is_calm).rounds(steps))
    played = play(rounds, is_checked=True, is_calm=is_calm)
    faults = list(played.faults)
    for tenant, other in (TENANTS, reversed(TENANTS)) if is_calm else ():
        for words, changed in _changed(rounds, other, seed):
            alone = play(changed, is_checked=False, is_calm=is_calm)
            outcome.compared += len(alone.of(tenant))
            faults += [f"{words}: {fault}" for fault in (*_differences(played, alone, tenant), *alone.faults)]
    outcome.steps += sum(one.steps for one in rounds)
    outcome.worlds += 1
    outcome.faults += [f"seed {seed}: {fault}" for fault in faults]
    outcome.counts += played.counts


def _changed(rounds: tuple[Round, ...], other: str, seed: int) -> Iterable[tuple[str, tuple[Round, ...]]]:
    yield f"without {other}", without_reviews(rounds, other)
    yield f"{other} with other logins", with_other_logins(rounds, other, seed)


def _differences(played: Played, alone: Played, tenant: str) -> Iterator[str]:
    theirs = alone.of(tenant)
    for key, (review, answer) in played.of(tenant).items():
        if theirs[key][1] != answer:
            yield f"at {key[0]:g}: {tenant} is told {answer} about {review.images}, else {theirs[key][1]}"
