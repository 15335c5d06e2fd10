"""The whole exchange about one reference: endpoints, credentials, requests, and at the end what they mean.

A generator: it yields intents and is sent answers, faults included, as values. It follows the node's road (kubelet's
pull loop over credentials, containerd's resolver over endpoints), so that Resolved means that the node resolves it
too; where it must be more careful than the node, the resolution is Blocked.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace

from webhook.keychain.credential import Credential
from webhook.keychain.matching import matches
from webhook.registry import diagnostic
from webhook.registry.attempt import attempt, settle
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import Answer, FetchManifest, Intent, Reply
from webhook.registry.question import Attempt, Question, read_trouble
from webhook.registry.resolution import (
    Blocked,
    Conclusion,
    Invalid,
    Missing,
    MissingCause,
    OfferResult,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    Unverifiable,
    UnverifiableCause,
)
from webhook.registry.travel import Arrival, travel

_PRECEDENCE = (Resolved, Unavailable, Blocked, Unverifiable, Unsupported, Invalid, Missing, Refused)
"""Over several credentials and endpoints; a doubt anywhere outweighs every no."""

Conversation = Generator[Intent, Reply, Conclusion]


@dataclass(slots=True)
class _Road:
    """What one conversation has learnt on its way."""

    first: dict[Endpoint, Arrival[FetchManifest]] = field(default_factory=dict)
    """Each endpoint's answer to the request without a login."""
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)
    """By the credential's index."""


def converse(question: Question) -> Conversation:
    """Find out whether a reference can be pulled.

    Returns:
        The resolution, and what became of each credential.
    """
    road = _Road()
    for index, credential in enumerate(question.credentials or (None,)):
        known = _find_tried(question, road, index)
        road.attempts[index] = known or (yield from _try_credential(question, road, credential))
        if _is_settled(road, road.attempts[index]):
            break
    denial = _combine(road.attempts.values())
    if isinstance(denial, Missing | Refused):
        yield from _confirm_all(question, road, denial)
    resolution = _tell_both(_combine(road.attempts.values()), road)
    return Conclusion(resolution, tuple(_offer(road, index) for index in range(len(question.credentials))))


def _find_tried(question: Question, road: _Road, index: int) -> list[Attempt]:
    """What came of the same login before: pods list secrets twice, and a rejected password is sent once."""
    for earlier in road.attempts:
        if earlier < index and question.credentials[earlier].is_same_login(question.credentials[index]):
            return list(road.attempts[earlier])
    return []


def _try_credential(
    question: Question, road: _Road, credential: Credential | None
) -> Generator[Intent, Reply, list[Attempt]]:
    """Ask every endpoint in order until one takes the request, as containerd does within one pull."""
    if credential is not None and not credential.is_transmittable:
        refused = Refused(question.reference.registry, RefusedCause.UNTRANSMITTABLE)
        return [Attempt(refused, OfferResult.UNUSABLE)]
    attempts = []
    for endpoint in question.endpoints:
        if endpoint not in road.first:
            road.first[endpoint] = yield from travel(question, _first_request(question, endpoint))
        outcome = yield from attempt(question, road.first[endpoint], credential)
        attempts.append(_doubt(question, endpoint, outcome))
        if outcome.is_last:
            break
    return attempts or [Attempt(Unavailable(question.reference.registry, UnavailableCause.NO_HOST))]


def _first_request(question: Question, endpoint: Endpoint) -> FetchManifest:
    namespace = f"?ns={endpoint.namespace}" if endpoint.namespace else ""
    url = f"{endpoint.url}/{question.reference.path}/manifests/{question.reference.wanted}{namespace}"
    return FetchManifest(endpoint=endpoint, url=url, method="HEAD")


def _doubt(question: Question, endpoint: Endpoint, outcome: Attempt) -> Attempt:
    """A no from a host for which the node has means that we lack is no proof, nor is a cache's "not found"."""
    if endpoint.undeclared_means and isinstance(outcome.resolution, Missing | Refused | Unsupported):
        return replace(outcome, resolution=Unavailable(endpoint.host, UnavailableCause.NODE_MEANS), recheck=None)
    if isinstance(outcome.resolution, Missing) and _is_pull_through(question, endpoint):
        unavailable = Unavailable(outcome.resolution.host, UnavailableCause.PULL_THROUGH, 404)
        return replace(outcome, resolution=unavailable, recheck=None)
    return outcome


def _is_pull_through(question: Question, endpoint: Endpoint) -> bool:
    """Whether the reference, or the place that a mirror has it at, is declared to be a cache."""
    path = endpoint.url.partition("://")[2].replace("/v2", "", 1)
    places = (question.reference.repository, f"{path}/{question.reference.path}")
    return any(matches(pattern, place) for pattern in question.pull_through for place in places)


def _is_settled(road: _Road, attempts: list[Attempt]) -> bool:
    """Whether further credentials cannot change anything: it resolved, or nobody asks for a login."""
    is_resolved = isinstance(_combine([attempts]), Resolved)
    return is_resolved or (bool(road.first) and all(arrival.status != 401 for arrival in road.first.values()))


def _combine(attempts: Iterable[list[Attempt]]) -> Resolution:
    resolutions = [outcome.resolution for outcomes in attempts for outcome in outcomes]
    return min(resolutions, key=lambda resolution: _PRECEDENCE.index(type(resolution)))


def _tell_both(resolution: Resolution, road: _Road) -> Resolution:
    """A mirror that misses the image and a registry that refuses: both are denials, and people need to hear of both."""
    if not isinstance(resolution, Missing):
        return resolution
    outcomes = [outcome.resolution for outcomes in road.attempts.values() for outcome in outcomes]
    hosts = [one.host for one in outcomes if isinstance(one, Refused) and one.host != resolution.host]
    return replace(resolution, refused_at=hosts[-1]) if hosts else resolution


def _confirm_all(question: Question, road: _Road, denial: Missing | Refused) -> Generator[Intent, Reply, None]:
    """Ask again with GET what would be denied, each question once.

    Of the refusals that want another login, which all look alike, only the last, and none where the same endpoint says
    to another login that the image is missing.
    """
    pending = [
        (index, place) for index, outcomes in road.attempts.items() for place, one in enumerate(outcomes) if one.recheck
    ]
    alike = [spot for spot in pending if _wants_login(road.attempts[spot[0]][spot[1]].resolution)]
    passed_over = set(alike[:-1])
    if isinstance(denial, Missing) and alike and road.attempts[alike[-1][0]][alike[-1][1]].host == denial.host:
        passed_over.add(alike[-1])
    asked: dict[FetchManifest, Arrival[FetchManifest]] = {}
    for index, place in pending:
        outcome = road.attempts[index][place]
        if outcome.recheck is None or (index, place) in passed_over:
            continue
        if outcome.recheck not in asked:
            asked[outcome.recheck] = yield from travel(question, outcome.recheck)
        road.attempts[index][place] = yield from _confirm(question, outcome, asked[outcome.recheck])


def _wants_login(resolution: Resolution) -> bool:
    return isinstance(resolution, Refused) and resolution.cause in (
        RefusedCause.LOGIN_WANTED,
        RefusedCause.LOGIN_REJECTED,
    )


def _confirm(
    question: Question, outcome: Attempt, arrival: Arrival[FetchManifest]
) -> Generator[Intent, Reply, Attempt]:
    """Let the GET's answer stand against the denial; a 200 sends us back to HEAD, which decides for the node."""
    reply = arrival.reply
    if not isinstance(reply, Answer):
        return (yield from settle(question, arrival, outcome.offer))
    if 200 <= reply.status < 300:
        again = yield from travel(question, replace(arrival.request, method="HEAD"))
        return outcome if again.status in (401, 403, 404, 412) else (yield from settle(question, again, outcome.offer))
    return replace(outcome, resolution=_judge(question, outcome.resolution, arrival, reply))


def _judge(question: Question, denial: Resolution, arrival: Arrival[FetchManifest], answer: Answer) -> Resolution:
    found = diagnostic.read(answer)
    no_registry = Unavailable(arrival.host, UnavailableCause.NOT_A_REGISTRY, answer.status)
    match denial, answer.status:
        case Missing(), 404 if not found.is_registry:
            return no_registry
        case Missing(), 404:
            return _judge_missing(denial, found)
        case Refused(cause=RefusedCause.LOGIN_WANTED | RefusedCause.LOGIN_REJECTED), 401:
            return denial
        case Refused(), 401 | 403 | 412 if found.names_firewall(question.reference):
            return Unverifiable(arrival.host, UnverifiableCause.FIREWALL)
        case Refused(), 401 | 403 if found.is_web_page:
            return no_registry
        case Refused(), 403 if found.says_expired:
            return Refused(arrival.host, RefusedCause.EXPIRED)
        case Refused(), 401 | 403:
            return denial
        case Refused(cause=RefusedCause.POLICY), 412 if found.is_registry:
            return denial
        case _:
            return _contradiction(arrival, answer)


def _judge_missing(denial: Missing, found: diagnostic.Diagnostic) -> Missing:
    if found.misses_repository:
        return replace(denial, cause=MissingCause.REPOSITORY)
    return replace(denial, cause=MissingCause.TAG) if found.misses_tag else denial


def _contradiction(arrival: Arrival[FetchManifest], answer: Answer) -> Unavailable:
    trouble = read_trouble(arrival.host, answer)
    if trouble.cause is UnavailableCause.NOT_A_REGISTRY:
        return Unavailable(arrival.host, UnavailableCause.CHANGED, answer.status)
    return trouble


def _offer(road: _Road, index: int) -> OfferResult:
    """What became of a credential over all endpoints: accepted anywhere, else the first that is not unused."""
    results = [outcome.offer for outcome in road.attempts.get(index, [])]
    if OfferResult.ACCEPTED in results:
        return OfferResult.ACCEPTED
    return next((result for result in results if result is not OfferResult.UNUSED), OfferResult.UNUSED)
