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
from webhook.admission.review import HEAD_BYTES, MalformedReviewError
from webhook.verdict.answer import Answered, ReviewFacts
from webhook.verdict.policy import Mode

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Real updates reach 18.8 MB: the objects may hold 3 MiB and 1.5 MiB, and JSON writes some bytes as six."""
MAX_KEPT_BYTES = 64 * 1024 * 1024
"""Of all bodies under way: two of the largest, or thousands of ordinary ones. One that finds no room is answered as one
that is too large, so that nobody runs this process out of memory."""
MAX_DRAINED_BYTES = 256 * 1024 * 1024
"""What is read and thrown away of a larger body, so that its sender comes to read the answer."""
MAX_REASON_CHARACTERS = 512
"""Of the line that answers what is no review; the paths that it names are ours, so this is never reached."""
_CLOSE = {"connection": "close"}
_LOGGER = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class Judge(Protocol):
    """Who answers reviews."""

    async def answer(self, body: bytes, mode: Mode, *, deadline_at: float) -> Answered:
        """Answer the review in a body by a time of the event loop's clock, or raise MalformedReviewError."""

    def answer_oversized(self, head: bytes, mode: Mode) -> Answered | None:
        """Answer a review of which only the first bytes were kept; None where no uid stands there."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a review came and went; what it does not say itself."""

    duration_seconds: float
    """From the last byte of the header to the answer."""
    audit_id: str
    """The API server's own id of the user's request; empty where it sends none."""


@dataclass(slots=True)
class _Budget:
    """The bytes of bodies that are kept at the moment, of all requests together."""

    kept_bytes: int = 0


@dataclass(slots=True)
class _Body:
    """What has arrived of a body."""

    budget: _Budget
    head: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    """All of it; nothing once it is too large."""
    size_bytes: int = 0
    kept_bytes: int = 0
    is_oversized: bool = False
    """Whether it is larger than is read, or than there is room for now."""

    def add(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self.head += chunk[: HEAD_BYTES - len(self.head)]
        if self.is_oversized:
            return
        self.chunks.append(chunk)
        self._keep(len(chunk))
        if self.size_bytes > MAX_BODY_BYTES or self.budget.kept_bytes > MAX_KEPT_BYTES:
            self.is_oversized = True
            self.release()

    def _keep(self, size_bytes: int) -> None:
        self.kept_bytes += size_bytes
        self.budget.kept_bytes += size_bytes

    def release(self) -> None:
        """Keep nothing any longer."""
        self.chunks.clear()
        self._keep(-self.kept_bytes)

    def take(self) -> bytes:
        """Give away what was kept, so that no more than one copy stays."""
        content = b"".join(self.chunks)
        self.chunks.clear()
        return content


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
    budget: _Budget = field(default_factory=_Budget)

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
        body = _Body(self.budget)
        try:
            return await self._validate_body(request, body, mode, received_at, limit_seconds)
        finally:
            body.release()

    async def _validate_body(
        self, request: Request, body: _Body, mode: Mode, received_at: float, limit_seconds: float
    ) -> Response:
        deadline_at = received_at + limit_seconds
        try:
            async with asyncio.timeout_at(deadline_at):
                await _read_body(request, body)
        except (TimeoutError, ConnectionResetError):
            return _refusal(408, f"the body did not arrive within {limit_seconds:g} seconds", _CLOSE)
        self.observer.begin_review()
        try:
            answered = await self._answer(body, mode, deadline_at)
        except MalformedReviewError as fault:
            return _refusal(400, str(fault)[:MAX_REASON_CHARACTERS])
        self._tell(answered.facts, request, received_at)
        headers = _CLOSE if body.size_bytes > MAX_DRAINED_BYTES else None
        return Response(answered.body, media_type="application/json", headers=headers)

    async def _answer(self, body: _Body, mode: Mode, deadline_at: float) -> Answered:
        if not body.is_oversized:
            return await self.judge.answer(body.take(), mode, deadline_at=deadline_at)
        answered = self.judge.answer_oversized(body.head, mode)
        if answered is None:
            raise MalformedReviewError(f"document: expected at most {MAX_BODY_BYTES} bytes")
        return answered

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
    """
    reviews = _Reviews(judge, limits, observer)
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


def _always(response: Response) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def explain(_request: Request, _fault: Exception) -> Response:
        return response

    return explain


def _refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    """Answer what cannot be judged. The API server shows nobody the reason, so it is logged."""
    _LOGGER.warning("a request was refused with %d: %s", status, reason)
    return _line(status, reason, headers)


def _line(status: int, text: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(text, status_code=status, headers=headers)


def _received_at(request: Request) -> float:
    told: object = request.scope.get("state", {}).get("headers_complete_at")
    return told if isinstance(told, float) else asyncio.get_running_loop().time()


async def _read_body(request: Request, body: _Body) -> None:
    """Read a body to its end, or until enough of one that is too large has been thrown away."""
    is_complete = False
    while not is_complete and body.size_bytes <= MAX_DRAINED_BYTES:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        body.add(message.get("body", b""))
        is_complete = not message.get("more_body", False)
