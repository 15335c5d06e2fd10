"""Getting a token as containerd gets it: which grant, at which realm, and which answers it can read."""

import re
from collections.abc import Generator
from dataclasses import replace

from webhook.keychain import gojson
from webhook.keychain.credential import Credential
from webhook.registry import diagnostic
from webhook.registry.challenge import TokenLogin
from webhook.registry.exchange import Answer, BearerToken, FetchManifest, FetchToken, Intent, Reply
from webhook.registry.question import Attempt, Question, host_of, read_fault, read_trouble
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    OfferResult,
    Refused,
    RefusedCause,
    Unavailable,
    UnavailableCause,
    Unverifiable,
    UnverifiableCause,
)
from webhook.registry.travel import MAX_REDIRECTS, Arrival, find_target

MAX_TOKEN_CHARACTERS = 16 * 1024
"""Real ones are below 5 KiB; a longer one would not fit into the header that registries accept."""
DEFAULT_LIFETIME_SECONDS = 60.0
"""Of a token whose answer does not say (distribution's token specification)."""
_FALLBACK_STATUSES = (400, 401, 404, 405)
"""Answers to the POST after which containerd tries the GET (authorizer.go: GCR 404, Artifactory 401, ACR 400)."""
_VISIBLE = re.compile(r"[!-~]+")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


_FORM_FIELDS = ("access_token", "refresh_token", "scope")
_QUERY_FIELDS = ("token", "access_token", "refresh_token")


def usable(credential: Credential | None) -> Credential | None:
    """The credential if containerd logs in with it: without a name or a password it asks anonymously (ParseAuth)."""
    return credential if credential and credential.username and credential.password else None


def fetch_token(
    question: Question, request: FetchManifest, login: TokenLogin, credential: Credential | None
) -> Generator[Intent, Reply, BearerToken | Attempt]:
    """Fetch a token for the repository, with the credential when there is one to log in with.

    Args:
        question: What is to be resolved.
        request: The one that met the challenge.
        login: The challenge.
        credential: What the node would log in with.

    Returns:
        The token, or the attempt that ends here.
    """
    ask = FetchToken(
        endpoint=request.endpoint,
        url=login.realm,
        grant="anonymous",
        scopes=_scopes(question, login),
        service=login.service,
    )
    if usable(credential) is None:
        return (yield from _fetch_anonymously(question, ask))
    blocked = question.destinations.may_log_in(question.reference.repository, request.endpoint, login.realm)
    if blocked is not None:
        return Attempt(blocked, OfferResult.WITHHELD)
    return (yield from _fetch_with_login(question, replace(ask, grant="password", credential=credential)))


def _scopes(question: Question, login: TokenLogin) -> tuple[str, ...]:
    """The repository's own scope and the challenge's, sorted, each once (containerd auth scope.go GetTokenScopes)."""
    own = f"repository:{question.reference.path}:pull"
    return tuple(sorted({own, *(login.scopes or ())}))


def _fetch_anonymously(question: Question, ask: FetchToken) -> Generator[Intent, Reply, BearerToken | Attempt]:
    arrival = yield from _travel(question, ask)
    if arrival.status in (401, 403):
        return Attempt(_refusal(question, arrival, RefusedCause.LOGIN_WANTED))
    return _read(arrival, is_form=False)


def _fetch_with_login(question: Question, ask: FetchToken) -> Generator[Intent, Reply, BearerToken | Attempt]:
    arrival = yield from _travel(question, ask)
    if arrival.status in _FALLBACK_STATUSES:
        arrival = yield from _travel(question, replace(ask, grant="basic"))
        if arrival.status == 401:
            return Attempt(_refusal(question, arrival, RefusedCause.LOGIN_REJECTED), OfferResult.REJECTED)
    if arrival.status == 403:
        return Attempt(_refusal(question, arrival, RefusedCause.ACCESS_DENIED), OfferResult.DENIED)
    return _read(arrival, is_form=arrival.request.grant == "password")


def _travel(question: Question, ask: FetchToken) -> Generator[Intent, Reply, Arrival[FetchToken]]:
    """Ask, and follow redirects: a login only within its origin, an anonymous request wherever one may ask."""
    for _ in range(MAX_REDIRECTS + 1):
        blocked = question.destinations.judge_url(ask.url)
        if blocked is not None:
            return Arrival(ask, blocked)
        reply = yield ask
        target = find_target(ask.url, reply)
        if target is None:
            return Arrival(ask, reply)
        step = question.destinations.may_follow(ask.url, target)
        if step is not None and (ask.credential or step.cause is not BlockedCause.CREDENTIAL_REDIRECT):
            return Arrival(ask, step)
        if ask.grant == "password" and isinstance(reply, Answer) and reply.status not in (307, 308):
            break  # Go turns the POST into a GET without its form; no token server answers that with a token.
        ask = replace(ask, url=target)
    return Arrival(ask, Unavailable(host_of(ask.url), UnavailableCause.REDIRECTS))


def _refusal(
    question: Question, arrival: Arrival[FetchToken], cause: RefusedCause
) -> Refused | Unverifiable | Unavailable:
    """A token server's 401 or 403 is a refusal, unless it is a web page's or about the asker's address."""
    found = diagnostic.read(arrival.reply) if isinstance(arrival.reply, Answer) else diagnostic.Diagnostic()
    if found.names_firewall(question.reference):
        return Unverifiable(arrival.host, UnverifiableCause.FIREWALL)
    if found.is_web_page:
        return Unavailable(arrival.host, UnavailableCause.NOT_A_REGISTRY, arrival.status)
    return Refused(arrival.host, cause)


def _read(arrival: Arrival[FetchToken], *, is_form: bool) -> BearerToken | Attempt:
    match arrival.reply:
        case Blocked() as blocked:
            is_withheld = arrival.request.credential is not None
            return Attempt(blocked, OfferResult.WITHHELD if is_withheld else OfferResult.UNUSED)
        case Unavailable() as unavailable:
            return Attempt(unavailable)
        case Answer() as answer if answer.status in (408, 429) or answer.status >= 500:
            return Attempt(read_trouble(arrival.host, answer))
        case Answer() as answer:
            token = read_token(answer, is_form=is_form) if 200 <= answer.status < 300 else ""
            return (
                BearerToken(token)
                if token
                else Attempt(Unavailable(arrival.host, UnavailableCause.TOKEN, answer.status))
            )
        case fault:
            return Attempt(read_fault(arrival.host, fault))


def read_token(answer: Answer, *, is_form: bool) -> str:
    """Read the token of a token server's answer as containerd does (auth/fetch.go); empty when it cannot.

    Args:
        answer: A 2xx.
        is_form: Whether it answers the POST: then only `access_token` counts; else it is preferred over `token`.
    """
    document = gojson.parse(answer.body) if answer.is_complete else None
    if not isinstance(document, gojson.Object) or not _has_sound_times(document):
        return ""
    texts = gojson.read_texts(document, _FORM_FIELDS if is_form else _QUERY_FIELDS)
    if isinstance(texts, gojson.WrongType):
        return ""
    token = texts["access_token"] or texts.get("token", "")
    return token if _VISIBLE.fullmatch(token) and len(token) <= MAX_TOKEN_CHARACTERS else ""


def read_lifetime_seconds(answer: Answer) -> float:
    """Read how long the token of an answer lives (`expires_in`), in seconds from now on; 0 when that cannot be read."""
    document = gojson.parse(answer.body) if answer.is_complete else None
    if not isinstance(document, gojson.Object) or not _has_sound_times(document):
        return 0.0
    lifetimes = [float(value.text) for value in document.all_values("expires_in") if isinstance(value, gojson.Number)]
    return max(0.0, lifetimes[-1]) if lifetimes else DEFAULT_LIFETIME_SECONDS


def _has_sound_times(document: gojson.Object) -> bool:
    """Whether Go can store `expires_in` as an int and `issued_at` as a time; null is always taken."""
    lifetimes = (value for value in document.all_values("expires_in") if value is not None)
    instants = (value for value in document.all_values("issued_at") if value is not None)
    return all(
        isinstance(value, gojson.Number) and bool(_INTEGER.fullmatch(value.text)) for value in lifetimes
    ) and all(isinstance(value, str) and bool(_INSTANT.fullmatch(value)) for value in instants)
