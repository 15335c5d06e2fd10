"""One request and the redirects that it meets, as the node follows them, with less in the luggage."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import urljoin

from webhook.registry.exchange import Answer, FetchManifest, FetchToken, Intent, Reply, SpeaksPlain, TimedOut
from webhook.registry.question import Question, host_of
from webhook.registry.resolution import Blocked, BlockedCause, Unavailable, UnavailableCause

MAX_REDIRECTS = 10
"""As containerd (resolver.go CheckRedirect); registry.k8s.io needs one, Harbor's `library` one."""
_REDIRECTS = (301, 302, 303, 307, 308)

Request = TypeVar("Request", FetchManifest, FetchToken)


@dataclass(frozen=True, slots=True)
class Arrival(Generic[Request]):
    """Where a request ended: the last one as it was sent, and what came of it."""

    request: Request
    reply: Reply | Blocked | Unavailable

    @property
    def host(self) -> str:
        """Host and port that were asked last."""
        return host_of(self.request.url)

    @property
    def status(self) -> int:
        """The HTTP status; 0 when none came."""
        return self.reply.status if isinstance(self.reply, Answer) else 0


def travel(question: Question, request: FetchManifest) -> Generator[Intent, Reply, Arrival[FetchManifest]]:
    """Ask for a manifest and follow redirects; a login does not leave its origin, https never becomes http.

    The node's login travels further (to the same host on any port, and its subdomains); ours stays, and a target that
    then asks for one makes the resolution Blocked. Where the node falls back from TLS to plain http, so do we.
    """
    for _ in range(MAX_REDIRECTS + 1):
        blocked = question.destinations.judge_url(request.url)
        if blocked is not None:
            return Arrival(request, blocked)
        reply = yield request
        if _is_no_tls(reply) and _may_speak_plain(question, request):
            request = _in_plain(request)
            continue
        target = find_target(request.url, reply)
        if target is None:
            return Arrival(request, reply)
        step = question.destinations.may_follow(request.url, target)
        if step is not None and step.cause is not BlockedCause.CREDENTIAL_REDIRECT:
            return Arrival(request, step)
        request = replace(request, url=target, authorization=request.authorization if step is None else None)
    return Arrival(request, Unavailable(host_of(request.url), UnavailableCause.REDIRECTS))


def find_target(url: str, reply: Reply) -> str | None:
    """Where an answer redirects to, as an absolute URL; None when it does not."""
    if not isinstance(reply, Answer) or reply.status not in _REDIRECTS:
        return None
    location = reply.header("location")
    try:
        return urljoin(url, location) if location else None
    except ValueError:
        return location


def has_left(question: Question, request: FetchManifest) -> bool:
    """Whether redirects led to another origin than the endpoint's."""
    return question.destinations.may_follow(request.endpoint.url, request.url) is not None


def _is_no_tls(reply: Reply) -> bool:
    """Whether containerd would try plain http now: no TLS came back, or nothing did (docker.NewHTTPFallback)."""
    return isinstance(reply, SpeaksPlain) or (isinstance(reply, TimedOut) and reply.while_connecting)


def _may_speak_plain(question: Question, request: FetchManifest) -> bool:
    is_tls = request.url.startswith("https:")
    return is_tls and request.endpoint.may_speak_plain and not has_left(question, request)


def _in_plain(request: FetchManifest) -> FetchManifest:
    endpoint = replace(request.endpoint, url=request.endpoint.url.replace("https:", "http:", 1), may_speak_plain=False)
    return replace(request, endpoint=endpoint, url=request.url.replace("https:", "http:", 1))
