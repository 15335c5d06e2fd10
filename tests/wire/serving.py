"""The real server in a thread, a pipeline that answers as told, and a client that can misbehave."""

import asyncio
import gc
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from webhook.admission.deadline import DeadlineLimits
from webhook.admission.response import render
from webhook.admission.review import MalformedReviewError, find_uid, parse
from webhook.places import MAX_REVIEWS
from webhook.verdict.answer import Answered, ReviewFacts
from webhook.verdict.policy import Mode
from webhook.wire.application import Delivery, probe_application, review_application
from webhook.wire.server import Listener, Stopping, run, serve

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
LIMITS = DeadlineLimits(default_seconds=10, margin_seconds=0.5, most_seconds=8)
CAPTURES = Path(__file__).parent.parent / "captures"


def review(padding: int = 0) -> bytes:
    """A review as the API server writes it, made longer by a label of any size."""
    return (
        f'{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{UID}",'
        '"kind":{"group":"","version":"v1","kind":"Pod"},"operation":"CREATE","object":'
        f'{{"kind":"Pod","metadata":{{"labels":{{"padding":"{"x" * padding}"}}}}}}}}}}'
    ).encode()


@dataclass
class FakePipeline:
    """Allows every review that can be parsed, after a delay that its deadline bounds."""

    delay_seconds: float = 0
    fault: Exception | None = None
    remaining_seconds: list[float] = field(default_factory=list)
    """What each review had left when it came here."""

    async def answer(self, body: bytes, mode: Mode, *, deadline_at: float) -> Answered:
        remaining_seconds = deadline_at - asyncio.get_running_loop().time()
        self.remaining_seconds.append(remaining_seconds)
        if self.fault:
            raise self.fault
        uid = parse(body).uid
        await asyncio.sleep(min(self.delay_seconds, remaining_seconds))
        return Answered(render(uid, allowed=True, audit_annotations={"mode": mode}), ReviewFacts(uid=uid, mode=mode))

    def answer_unread(self, head: bytes, mode: Mode, reason: str) -> Answered:
        uid = find_uid(head)
        if not uid:
            raise MalformedReviewError("document: expected a review as the API server begins one")
        body = render(uid, allowed=True, warnings=[reason], audit_annotations={})
        return Answered(body, ReviewFacts(uid=uid, mode=mode, not_understood=reason))


@dataclass
class Witness:
    """Keeps what an observer is told."""

    begun: int = 0
    reviews: list[tuple[ReviewFacts, Delivery]] = field(default_factory=list)
    fault: Exception | None = None

    def begin_review(self) -> None:
        self.begun += 1

    def end_review(self, facts: ReviewFacts, delivery: Delivery) -> None:
        self.reviews.append((facts, delivery))
        if self.fault:
            raise self.fault


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.body)
        return document


class Client:
    """One connection, on which any bytes can be sent."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._stream = connection.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self.connection.close()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def post(self, body: bytes, target: str = "/validate?timeout=10s", headers: str = "") -> Answer:
        self.send(request(body, target, headers))
        return self.receive()

    def get(self, target: str) -> Answer:
        self.send(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        return self.receive()

    def receive(self) -> Answer:
        """Read one answer; ConnectionError where the server closes without one."""
        start = self._stream.readline()
        if not start:
            raise ConnectionResetError
        headers = {}
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(start.split()[1]), headers, self._stream.read(int(headers.get("content-length", "0"))))

    def is_closed_within(self, seconds: float) -> bool:
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


def request(body: bytes, target: str = "/validate?timeout=10s", headers: str = "") -> bytes:
    return (
        f"POST {target} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class Served:
    """A server that runs; its addresses are `(host, port)`."""

    reviews: tuple[str, int]
    probes: tuple[str, int]
    trust: ssl.SSLContext | None

    def client(self, trust: ssl.SSLContext | None = None) -> Client:
        connection = socket.create_connection(self.reviews, timeout=15)
        context = trust or self.trust
        return Client(context.wrap_socket(connection, server_hostname="localhost") if context else connection)

    def probe(self) -> Client:
        return Client(socket.create_connection(self.probes, timeout=15))


@contextmanager
def served(
    pipeline: FakePipeline,
    *,
    witness: Witness | None = None,
    mode: Mode = Mode.ENFORCE,
    limits: DeadlineLimits = LIMITS,
    tls: ssl.SSLContext | None = None,
    trust: ssl.SSLContext | None = None,
    reasons: list[str] | None = None,
    max_reviews: int = MAX_REVIEWS,
    delay_seconds: float = 0,
    **bounds: Any,
) -> Iterator[Served]:
    """Serve in a thread of its own, on free ports of the loopback address, until the block ends."""
    reviews = Listener(
        application=review_application(
            pipeline, mode=mode, limits=limits, observer=witness or Witness(), max_reviews=max_reviews
        ),
        host="127.0.0.1",
        port=0,
        tls=tls,
        **bounds,
    )
    probes = Listener(
        application=probe_application(
            reasons=lambda: reasons or [], metrics=lambda: b"metrics 1\n", metrics_media_type="text/plain; version=0"
        ),
        host="127.0.0.1",
        port=0,
    )
    with running(reviews, probes, delay_seconds) as (reviews_address, probes_address):
        yield Served(_split(reviews_address), _split(probes_address), trust)


def wait_until(is_so: Callable[[], bool], seconds: float = 5) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends_at:
        time.sleep(0.01)
    assert is_so()


@contextmanager
def left_to_the_collector() -> Iterator[list[object]]:
    """Collect what only the garbage collector would have freed of what the block leaves; known when it has ended."""
    left: list[object] = []
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield left
        gc.collect()
        left += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@contextmanager
def running(reviews: Listener, probes: Listener, delay_seconds: float = 0) -> Iterator[tuple[str, str]]:
    """Run two listeners in a thread and yield the addresses that they tell."""
    started: Future[tuple[asyncio.AbstractEventLoop, Stopping, str, str]] = Future()

    async def main() -> None:
        loop, stopping = asyncio.get_running_loop(), Stopping(delay_seconds)
        await serve(
            reviews,
            probes,
            stopping=stopping,
            grace_seconds=2,
            on_serving=lambda *addresses: started.set_result((loop, stopping, *addresses)),
        )

    def target() -> None:
        try:
            run(main())
        except BaseException as fault:
            if started.done():
                raise
            started.set_exception(fault)

    thread = threading.Thread(target=target)
    thread.start()
    try:
        loop, stopping, reviews_address, probes_address = started.result(timeout=10)
        yield reviews_address, probes_address
    finally:
        if started.done() and not started.exception():
            loop.call_soon_threadsafe(stopping.tell)
        thread.join(timeout=10)
        assert not thread.is_alive()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
