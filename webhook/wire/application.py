"""What is answered over HTTP: reviews on one application, probes and metrics on the other."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from webhook.admission.deadline import DeadlineLimits
from webhook.admission.review import MalformedReviewError
from webhook.places import MAX_REVIEWS
from webhook.restraint import Restraint
from webhook.turns import Turns
from webhook.verdict.answer import Answered, ReviewFacts
from webhook.verdict.policy import Mode
from webhook.wire.bodies import LARGE_BYTES, Body, Room

MAX_DRAINED_BYTES = 256 * 1024 * 1024
"""What is read and thrown away of a larger body, so that its sender comes to read the answer."""
MAX_REASON_CHARACTERS = 512
"""Of the line that answers what is no review; the paths that it names are ours, so this is never reached."""
STATUS_OF_NOBODY = 499
"""As nginx logs it; who went away is sent none."""
_CLOSE = {"connection": "close"}
_LOGGER = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class Judge(Protocol):
    """Who answers reviews."""

    async def answer(self, body: bytes, mode: Mode, *, deadline_at: float) -> Answered:
        """Answer the review in a body by a time of the event loop's clock, or raise MalformedReviewError."""

    def answer_unread(self, head: bytes, mode: Mode, reason: str) -> Answered:
        """Answer a review of which only the first bytes were kept, and say why, or raise MalformedReviewError."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a review came and went; what it does not say itself."""

    duration_seconds: float
    """From the last byte of the header to the answer."""
    audit_id: str
    """The API server's own id of the user's request; empty where it sends none."""


class Observer(Protocol):
    """Who watches reviews come and go."""

    def begin_review(self) -> None:
        """Be called in the review's own task, before it is judged."""

    def end_review(self, facts: ReviewFacts, delivery: Delivery) -> None:
        """Be called in the same task once the answer is made, before it goes out; what it raises costs no answer."""


@dataclass(frozen=True, slots=True)
class _Reviews:
    """The desk where reviews are handed in."""

    judge: Judge
    limits: DeadlineLimits
    observer: Observer
    room: Room
    restraint: Restraint = field(default_factory=Restraint)
    reading: Turns = field(default_factory=Turns)
    """In which large bodies are read on; the other ones' connections rest meanwhile."""

    def endpoint(self, mode: Mode) -> Endpoint:
        async def validate(request: Request) -> Response:
            try:
                return await self._validate(request, mode)
            except Exception:
                _LOGGER.exception("a review failed outside its pipeline")
                return _line(500, "pullcheck: internal fault")

        return validate

    async def _validate(self, request: Request, mode: Mode) -> Response:
        received_at = _received_at(request)
        limit_seconds = self.limits.seconds_for(request.query_params.get("timeout", ""))
        body = Body(self.room)
        try:
            return await self._validate_body(request, body, mode, received_at, limit_seconds)
        finally:
            body.close()

    async def _validate_body(
        self, request: Request, body: Body, mode: Mode, received_at: float, limit_seconds: float
    ) -> Response:
        deadline_at = received_at + limit_seconds
        try:
            async with asyncio.timeout_at(deadline_at):
                await self._read_body(request, body)
        except TimeoutError:
            return self._refusal(408, f"the body did not arrive within {limit_seconds:g} seconds", _CLOSE)
        except ConnectionResetError:
            return self._refusal(STATUS_OF_NOBODY, "its sender went away before its end")
        self.observer.begin_review()
        try:
            answered = await self._answer(request, body, mode, deadline_at)
        except MalformedReviewError as fault:
            return self._refusal(400, str(fault)[:MAX_REASON_CHARACTERS])
        if answered is None:
            return self._refusal(STATUS_OF_NOBODY, "its sender went away before the answer")
        self._tell(answered.facts, request, received_at)
        headers = _CLOSE if body.size_bytes > MAX_DRAINED_BYTES else None
        return Response(answered.body, media_type="application/json", headers=headers)

    async def _read_body(self, request: Request, body: Body) -> None:
        """Read a body to its end, or until enough of one that is too large has been thrown away."""
        is_complete = False
        while not is_complete and body.size_bytes <= MAX_DRAINED_BYTES:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError
            body.add(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if body.size_bytes > LARGE_BYTES and not is_complete:
                await self.reading.take(request.client.host if request.client else "")

    async def _answer(self, request: Request, body: Body, mode: Mode, deadline_at: float) -> Answered | None:
        """Answer a review; None where its sender does not stay to hear it, and nothing goes on for it then."""
        if body.why_unread:
            return self.judge.answer_unread(body.head, mode, body.why_unread)
        try:
            # Of no length: it ends when there is nobody left to answer. What is judged needs no task of its own so.
            async with asyncio.timeout(None) as presence:
                watching = asyncio.create_task(_watch(request, presence))
                try:
                    return await self.judge.answer(body.take(), mode, deadline_at=deadline_at)
                finally:
                    watching.cancel()
        except TimeoutError:
            if presence.expired():
                return None
            raise

    def _refusal(self, status: int, reason: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
        """Answer what cannot be judged. The API server shows nobody the reason, so it is logged."""
        held_back = self.restraint.admit(time.monotonic())
        if held_back is not None:
            _LOGGER.warning(
                "a request was refused with %d: %s (%d more since the last such line)", status, reason, held_back
            )
        return _line(status, reason, headers)

    def _tell(self, facts: ReviewFacts, request: Request, received_at: float) -> None:
        # The clock of the event loop, whose own time() uvloop rounds to milliseconds and holds still for an iteration.
        duration_seconds = time.monotonic() - received_at
        audit_id = request.headers.get("audit-id", "")
        try:
            self.observer.end_review(facts, Delivery(duration_seconds, audit_id))
        except Exception:
            # Whoever listens: the answer is made and has to go out.
            _LOGGER.exception("a review could not be recorded")


def review_application(
    judge: Judge,
    *,
    mode: Mode,
    limits: DeadlineLimits,
    observer: Observer,
    max_reviews: int = MAX_REVIEWS,
) -> FastAPI:
    """Build the application that the API server posts to.

    `POST /validate`, `/validate/enforce` and `/validate/warn` take the raw request: FastAPI's own answer to a body that
    does not fit repeats it, and a pod's environment with it. The server may say in `scope["state"]`, under
    `headers_complete_at`, at which time of the loop's clock the header was complete; the deadline counts from there.

    Args:
        judge: Who answers.
        mode: What `/validate` does.
        limits: The deadline's.
        observer: Told of each review that is judged.
        max_reviews: At once; one beyond is answered without being judged.
    """
    reviews = _Reviews(judge, limits, observer, Room(max_reviews))
    application = _bare_application("POST")
    for path, asked in (("/validate", mode), ("/validate/enforce", Mode.ENFORCE), ("/validate/warn", Mode.WARN)):
        application.add_api_route(path, reviews.endpoint(asked), methods=["POST"], response_model=None)
    return application


def probe_application(
    *, reasons: Callable[[], Sequence[str]], metrics: Callable[[], bytes], metrics_media_type: str
) -> FastAPI:
    """Build the application that the kubelet and Prometheus ask.

    Args:
        reasons: Why reviews should not be sent here now, one line each; empty: ready.
        metrics: The metrics, written in the media type that is given beside it.
        metrics_media_type: The whole of their content type.
    """

    async def livez() -> Response:
        return _line(200, "ok")

    async def readyz() -> Response:
        why_not = reasons()
        return _line(503, "\n".join(why_not)) if why_not else _line(200, "ok")

    async def show_metrics() -> Response:
        return Response(metrics(), headers={"content-type": metrics_media_type})

    application = _bare_application("GET")
    for path, endpoint in (("/livez", livez), ("/readyz", readyz), ("/metrics", show_metrics)):
        application.add_api_route(path, endpoint, methods=["GET"], response_model=None)
    return application


def _bare_application(method: str) -> FastAPI:
    """Build an application that answers what it will be told to, and everything else with one line of text."""
    application = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Its log records would hold exception texts, and those may hold what a tenant sent.
        telemetry={"logs": False},
    )
    # The bodies of such requests are not read, so their connections end.
    application.add_exception_handler(404, _always(_line(404, "not found", _CLOSE)))
    application.add_exception_handler(405, _always(_line(405, "method not allowed", {"allow": method, **_CLOSE})))
    return application


async def _watch(request: Request, presence: asyncio.Timeout) -> None:
    """End a presence when whoever sent a request, and all of its body, goes away."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        presence.reschedule(asyncio.get_running_loop().time())


def _always(response: Response) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def explain(_request: Request, _fault: Exception) -> Response:
        return response

    return explain


def _line(status: int, text: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(text, status_code=status, headers=headers)


def _received_at(request: Request) -> float:
    told: object = request.scope.get("state", {}).get("headers_complete_at")
    return told if isinstance(told, float) else asyncio.get_running_loop().time()
