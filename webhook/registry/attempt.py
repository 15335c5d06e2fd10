"""One credential, or none, at one endpoint: from the first answer to an outcome."""

from collections.abc import Generator
from dataclasses import replace
from typing import assert_never

from webhook.keychain.credential import Credential
from webhook.registry.challenge import (
    NoLogin,
    PasswordLogin,
    TokenLogin,
    UnreadableLogin,
    find_login,
    is_misread,
    wants_new_token,
)
from webhook.registry.exchange import (
    MAX_MANIFEST_BYTES,
    Answer,
    Authorization,
    BasicLogin,
    FetchManifest,
    Intent,
    Purpose,
    Reply,
)
from webhook.registry.manifest import BodyNeeded, weigh_body, weigh_headers
from webhook.registry.question import Attempt, Question, host_of, read_fault, read_trouble
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Missing,
    MissingCause,
    OfferResult,
    Refused,
    RefusedCause,
    Unavailable,
    UnavailableCause,
)
from webhook.registry.token import fetch_token, usable
from webhook.registry.travel import Arrival, has_left, travel

Asking = Generator[Intent, Reply, Attempt]


def attempt(question: Question, first: Arrival[FetchManifest], credential: Credential | None) -> Asking:
    """Go on from an endpoint's answer to the request without a login, with one credential.

    Args:
        question: What is to be resolved.
        first: That answer. Nothing is sent before a challenge, so all credentials share it.
        credential: What to log in with when asked; None: nothing.
    """
    if first.status != 401 or not isinstance(first.reply, Answer):
        return (yield from settle(question, first, OfferResult.UNUSED))
    if usable(credential) is not None and has_left(question, first.request):
        return _withheld(Blocked(first.host, BlockedCause.CREDENTIAL_REDIRECT))
    outcome = yield from _log_in(question, first, first.reply, credential)
    if isinstance(outcome.resolution, Refused) and is_misread(first.reply):
        return replace(outcome, resolution=Unavailable(first.host, UnavailableCause.CHALLENGE, 401), recheck=None)
    return outcome


def settle(question: Question, arrival: Arrival[FetchManifest], offer: OfferResult) -> Asking:
    """Read an answer that asks for no login, or no further one.

    Args:
        question: What is to be resolved.
        arrival: The answer, or what kept it from coming.
        offer: What became of the credential by now.
    """
    match arrival.reply:
        case Blocked() | Unavailable() as settled:
            return Attempt(settled, offer)
        case Answer() as answer:
            return (yield from _settle_answer(question, arrival, answer, offer))
        case fault:
            return Attempt(read_fault(arrival.host, fault), offer)


def _log_in(question: Question, first: Arrival[FetchManifest], answer: Answer, credential: Credential | None) -> Asking:
    match find_login(answer):
        case TokenLogin() as login:
            return (yield from _log_in_with_token(question, first, login, credential))
        case PasswordLogin():
            return (yield from _log_in_with_password(question, first.request, credential))
        case UnreadableLogin():
            return Attempt(Unavailable(first.host, UnavailableCause.CHALLENGE, 401))
        case NoLogin():
            return _refused(question, first.request, RefusedCause.NO_CHALLENGE, OfferResult.UNUSED)
        case login:
            assert_never(login)


def _log_in_with_password(question: Question, request: FetchManifest, credential: Credential | None) -> Asking:
    """Basic: once for each credential. The node sends a rejected one four times, and accounts get locked."""
    login = usable(credential)
    if login is None:
        return _refused(question, request, RefusedCause.LOGIN_WANTED, _anonymous_offer(credential))
    blocked = question.destinations.may_log_in(question.reference.repository, request.endpoint, request.endpoint.url)
    if blocked is not None:
        return _withheld(blocked)
    arrival = yield from travel(question, replace(request, authorization=BasicLogin(login)))
    if arrival.status != 401:
        return (yield from settle(question, arrival, OfferResult.ACCEPTED))
    if has_left(question, arrival.request):
        return _withheld(Blocked(arrival.host, BlockedCause.CREDENTIAL_REDIRECT))
    return _refused(question, arrival.request, RefusedCause.LOGIN_REJECTED, OfferResult.REJECTED)


def _log_in_with_token(
    question: Question, first: Arrival[FetchManifest], login: TokenLogin, credential: Credential | None
) -> Asking:
    arrival = first
    for _ in range(2):
        token = yield from fetch_token(question, first.request, login, credential)
        if isinstance(token, Attempt):
            offer = token.offer if usable(credential) else _anonymous_offer(credential)
            return replace(token, offer=offer, recheck=_recheck(question, first.request, None))
        arrival = yield from travel(question, replace(first.request, authorization=token))
        if not (isinstance(arrival.reply, Answer) and arrival.status == 401 and wants_new_token(arrival.reply)):
            break
    if arrival.status != 401 or not isinstance(arrival.reply, Answer):
        offer = OfferResult.ACCEPTED if usable(credential) else _anonymous_offer(credential)
        return (yield from settle(question, arrival, offer))
    return (yield from _after_token(question, first, arrival, arrival.reply, credential))


def _after_token(
    question: Question,
    first: Arrival[FetchManifest],
    arrival: Arrival[FetchManifest],
    answer: Answer,
    credential: Credential | None,
) -> Asking:
    """A fresh token was not enough: the registry's no, but for Harbor's second challenge, which nodes do try."""
    if has_left(question, arrival.request) and arrival.request.authorization is None:
        if usable(credential):
            return _withheld(Blocked(arrival.host, BlockedCause.CREDENTIAL_REDIRECT))
        return Attempt(Unavailable(arrival.host, UnavailableCause.REDIRECTS, 401))
    if usable(credential) and isinstance(find_login(answer), PasswordLogin):
        return (yield from _log_in_with_password(question, first.request, credential))
    if usable(credential):
        return _refused(question, arrival.request, RefusedCause.ACCESS_DENIED, OfferResult.DENIED)
    if question.is_of_hub and question.reference.path.startswith("library/") and len(question.endpoints) == 1:
        # Docker Hub issues a token for anything, and nothing private lives in library/.
        return Attempt(Missing(arrival.host, MissingCause.REPOSITORY))
    return _refused(question, arrival.request, RefusedCause.LOGIN_WANTED, _anonymous_offer(credential))


def _settle_answer(question: Question, arrival: Arrival[FetchManifest], answer: Answer, offer: OfferResult) -> Asking:
    request = arrival.request
    match answer.status:
        case status if 200 <= status < 300:
            return (yield from _take(question, arrival, answer, offer))
        case 405 if request.method == "HEAD":
            again = yield from travel(question, replace(request, method="GET"))
            return (yield from settle(question, again, offer))
        case 404:
            return (yield from _miss(question, arrival, offer))
        case 401 | 403:
            return _refused(question, request, RefusedCause.ACCESS_DENIED, _denied(offer))
        case 412:
            return _refused(question, request, RefusedCause.POLICY, _denied(offer))
        case _:
            return Attempt(read_trouble(arrival.host, answer), offer)


def _take(question: Question, arrival: Arrival[FetchManifest], answer: Answer, offer: OfferResult) -> Asking:
    """A 2xx ends the node's search for an endpoint, whatever it holds."""
    taken = weigh_headers(question.reference, arrival.host, answer)
    if isinstance(taken, BodyNeeded):
        request = replace(arrival.request, method="GET", max_body_bytes=MAX_MANIFEST_BYTES + 1)
        fetched = yield from travel(question, request)
        if not isinstance(fetched.reply, Answer):
            return replace((yield from settle(question, fetched, offer)), is_last=True)
        taken = weigh_body(question.reference, fetched.host, fetched.reply)
    return Attempt(taken, offer, is_last=True)


def _miss(question: Question, arrival: Arrival[FetchManifest], offer: OfferResult) -> Asking:
    """404: by digest the node asks once more among the blobs, as old registries want it (resolver.go Resolve)."""
    request = arrival.request
    before, manifests, digest = request.url.rpartition("/manifests/")
    if question.reference.digest and manifests and request.method == "HEAD":
        blob = yield from travel(question, replace(request, url=f"{before}/blobs/{digest}"))
        found = yield from settle(question, blob, offer)
        if not isinstance(found.resolution, Missing | Refused):
            return found
    cause = MissingCause.DIGEST if question.reference.digest else MissingCause.UNSAID
    if question.is_of_hub and request.endpoint.is_registry and not question.reference.digest:
        cause = MissingCause.TAG  # For a missing repository it answers 401.
    return Attempt(Missing(arrival.host, cause), offer, _recheck(question, request, request.authorization))


def _refused(question: Question, request: FetchManifest, cause: RefusedCause, offer: OfferResult) -> Attempt:
    is_rejected = cause is RefusedCause.LOGIN_REJECTED
    recheck = _recheck(question, request, None if is_rejected else request.authorization)
    return Attempt(Refused(host_of(request.url), cause), offer, recheck)


def _recheck(question: Question, request: FetchManifest, authorization: Authorization | None) -> FetchManifest | None:
    """The GET that confirms a denial; none on Docker Hub, which counts it as a pull."""
    if question.is_of_hub and request.endpoint.is_registry:
        return None
    return replace(request, method="GET", purpose=Purpose.CONFIRMATION, authorization=authorization)


def _withheld(blocked: Blocked) -> Attempt:
    return Attempt(blocked, OfferResult.WITHHELD)


def _anonymous_offer(credential: Credential | None) -> OfferResult:
    """What became of a credential that holds nothing to log in with: a login was asked for, and it gave none."""
    return OfferResult.UNUSABLE if credential else OfferResult.UNUSED


def _denied(offer: OfferResult) -> OfferResult:
    return OfferResult.DENIED if offer is OfferResult.ACCEPTED else offer
