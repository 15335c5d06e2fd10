"""Whether what the webhook said is true: measured against what the node did, and who was offered which login."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.truth.outcome import Decision, Outcome
from tests.truth.scenes.scene import Scene
from tests.truth.standins.stage import Record

DECISIONS: tuple[Decision, ...] = ("allow", "warn", "deny")


@dataclass(frozen=True, slots=True)
class Offer:
    """A login at a host, or the first request there without one."""

    host: str
    login: str
    how: str

    def __str__(self) -> str:
        return f"{self.host}: {self.login or 'nobody'}" + (" (token)" if self.how == "token" and self.login else "")


def offers(records: Iterable[Record]) -> tuple[Offer, ...]:
    """Which login was offered where, in order, each once: nodes resolve and fetch, and repeat what is refused."""
    return tuple(dict.fromkeys(_offer(record) for record in records))


def _steps(records: Iterable[Record]) -> Iterator[Offer]:
    """Every offer, but for what the same one is made for again at once."""
    return (offer for offer, _ in groupby(map(_offer, records)))


def _offer(record: Record) -> Offer:
    """A token of nobody's is no login."""
    return Offer(record.host, record.login, record.how if record.login else "")


def matrix(outcomes: Iterable[Outcome]) -> Counter[tuple[bool, Decision]]:
    """How many scenes the node pulled or not, and we allowed, warned about or denied."""
    return Counter((outcome.has_pulled, outcome.decision) for outcome in outcomes)


def find_fault(scene: Scene, outcome: Outcome) -> str:
    """Say what is wrong with a scene's outcome; empty when nothing is.

    Where the node pulls and we deny, that is a bug, whatever the scene says. Everything else that is not plain may have
    a reason, and then the reason must be needed: one that nothing calls for is a fault as well.
    """
    if outcome.has_pulled and outcome.decision == "deny":
        return "the node pulls, and we deny"
    reasons = (
        (not outcome.has_pulled and outcome.decision == "allow", scene.silence, "the node fails, and we say nothing"),
        (outcome.has_pulled and outcome.decision == "warn", scene.doubt, "the node pulls, and we warn"),
        (outcome.runs and not outcome.has_pulled, scene.spared, "the node fails, and the pod runs all the same"),
        (not has_same_offers(outcome), scene.differs, "logins are offered otherwise"),
    )
    for is_so, reason, fault in reasons:
        if is_so != bool(reason):
            return fault if is_so else f"not so, though the scene says why it would be: {fault}"
    return _find_leak(scene, outcome) or _find_memory(outcome)


def has_same_offers(outcome: Outcome) -> bool:
    """Whether both sides offered the same logins at the same hosts in the same order."""
    return offers(outcome.node_requests) == offers(outcome.requests)


def _find_leak(scene: Scene, outcome: Outcome) -> str:
    """A login that we alone offer a host: the registry's own may have it where the node asks nobody."""
    logins = [offer for offer in offers(outcome.requests) if offer.login]
    known = offers(outcome.node_requests)
    leaked = [offer for offer in logins if offer not in known and (known or offer.host != scene.host)]
    return f"offered by us alone: {leaked[0]}" if leaked else ""


def _find_memory(outcome: Outcome) -> str:
    """What another tenant is told otherwise, or what registries see more of, once everything is remembered."""
    if (outcome.second_decision, outcome.second_words) != (outcome.decision, outcome.words):
        return f"another tenant is told otherwise: {outcome.second_decision}: {' ⏎ '.join(outcome.second_words)}"
    left = iter(_steps(outcome.requests))
    more = [step for step in _steps(outcome.second_requests) if step not in left]
    return f"only offered for another tenant, or in another order: {more[0]}" if more else ""


def is_spared(outcome: Outcome) -> bool:
    """Whether the registries were asked less on behalf of another tenant."""
    return len(outcome.second_requests) < len(outcome.requests)


def find_faults(scenes: Sequence[Scene], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The faults of a whole run, by scene."""
    found = {scene.name: find_fault(scene, outcome) for scene, outcome in zip(scenes, outcomes, strict=True)}
    return {name: fault for name, fault in found.items() if fault}
