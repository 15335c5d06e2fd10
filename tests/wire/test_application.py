"""What is answered over HTTP, without TLS: that is the next file's."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from tests.wire.serving import (
    CAPTURES,
    UID,
    FakePipeline,
    Witness,
    left_to_the_collector,
    request,
    review,
    served,
    wait_until,
)
from webhook.admission.deadline import DeadlineLimits
from webhook.restraint import LINE_SECONDS
from webhook.verdict.policy import Mode
from webhook.wire.application import probe_application, review_application
from webhook.wire.bodies import LARGE_BYTES, MAX_BODY_BYTES, MAX_KEPT_BYTES, TOO_LARGE
from webhook.wire.protocol import MAX_KEPT_ALIVE_BYTES

SHORT = DeadlineLimits(default_seconds=10, margin_seconds=0.5, most_seconds=0.7)


@pytest.fixture(scope="module")
def witness():
    return Witness()


@pytest.fixture(scope="module")
def pipeline():
    return FakePipeline()


@pytest.fixture(scope="module")
def server(pipeline, witness):
    with served(pipeline, witness=witness) as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as connected:
        yield connected


def response_of(answer):
    assert answer.status == 200
    return answer.json["response"]


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_captured_request_is_answered_with_its_uid(client, capture):
    answer = client.post(capture.read_bytes())
    assert answer.json["kind"] == "AdmissionReview"
    assert str(response_of(answer)["uid"]) in capture.read_text()
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "mode"),
    [("/validate", "enforce"), ("/validate/enforce", "enforce"), ("/validate/warn", "warn")],
)
def test_the_path_says_the_mode(client, path, mode):
    assert response_of(client.post(review(), path))["auditAnnotations"] == {"mode": mode}


def test_the_setting_says_what_the_bare_path_does():
    with served(FakePipeline(), mode=Mode.WARN) as server, server.client() as client:
        assert response_of(client.post(review(), "/validate"))["auditAnnotations"] == {"mode": "warn"}
        assert response_of(client.post(review(), "/validate/enforce"))["auditAnnotations"] == {"mode": "enforce"}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "document: expected JSON"),
        (b"hunter2", "document: expected JSON"),
        (b"{}", "apiVersion: expected admission.k8s.io/v1"),
        (review().replace(b"/v1", b"/hunter2"), "apiVersion: expected admission.k8s.io/v1"),
        (review().replace(b"AdmissionReview", b"hunter2"), "kind: expected AdmissionReview"),
        (review().replace(f'"{UID}"'.encode(), b"7"), "request.uid"),
        (b"\xff\xfe" + review(), "document: expected JSON"),
        (b'{"x":' * 100_000, "document: nested too deeply"),
    ],
)
def test_what_is_no_review_is_a_400_of_one_line_without_a_value(client, caplog, body, line):
    answer = client.post(body)
    assert "hunter2" not in caplog.text
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert line.lower() in answer.body.decode().lower()
    assert b"\n" not in answer.body
    assert b"hunter2" not in answer.body
    if len(body) < MAX_KEPT_ALIVE_BYTES:
        assert client.post(review()).status == 200, "the connection goes on"


def test_refusals_are_logged_one_line_a_second_and_the_others_counted(caplog):
    with served(FakePipeline()) as server, server.client() as client:
        for _ in range(20):
            client.post(b"{}")
        time.sleep(LINE_SECONDS)
        client.post(b"rubbish")
    told = [record.getMessage() for record in caplog.records if record.name == "webhook.wire.application"]
    assert told[0].startswith("a request was refused with 400: apiVersion: expected"), "nobody else is shown it"
    assert told[-1].startswith("a request was refused with 400: document: expected JSON")
    counts = [int(line.rpartition(" (")[2].split()[0]) for line in told]
    assert len(told) <= 4
    assert sum(counts) + len(told) == 21


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_body_counts_and_not_its_declared_type(server, content_type):
    body = review()
    declared = f"Content-Type: {content_type}\r\n" if content_type else ""
    with server.client() as client:
        client.send(
            f"POST /validate HTTP/1.1\r\nHost: a\r\n{declared}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        assert client.receive().status == 200


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/validate/", "/validate//enforce", "//validate", "/validate/off", "/Validate", "/validate%2f", "/docs"),
        *("/openapi.json", "/redoc", "/livez", "/metrics", "/../validate", "/validate;a=b"),
    ],
)
def test_an_unknown_path_is_a_404_and_never_a_redirect(server, target):
    with server.client() as client:
        answer = client.post(b"hunter2", target)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert answer.body == b"not found"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/validate", "/validate/enforce", "/validate/warn"])
def test_a_wrong_method_is_a_405_that_names_the_right_one(server, path, method):
    with server.client() as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        answer = client.receive()
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("chunk_bytes", [1, 7, 4096])
def test_a_chunked_body_is_read(server, chunk_bytes):
    body = review()
    chunks = [body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    with server.client() as client:
        client.send(b"POST /validate HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + framed)
        assert response_of(client.receive())["uid"] == UID


def send_on(client, piece):
    for _ in range(1000):
        client.send(piece)
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("end", "more"),
    [(b"0\r\nX: ", b"a" * 1000), (b"", b"1\r\nx\r\n" * 200)],
    ids=["an endless trailer", "chunks of a byte"],
)
def test_what_frames_a_chunked_body_is_bounded(server, end, more):
    with server.client() as client:
        client.send(b"POST /validate HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"%x\r\n%b\r\n" % (len(review()), review()) + end)
        with pytest.raises(OSError):  # noqa: PT011 (a reset or a broken pipe, as it comes)
            send_on(client, more)


def padded(size_bytes):
    return review(size_bytes - len(review()))


def test_all_bodies_together_have_a_limit_and_one_without_room_is_answered_as_too_large(witness, server):
    sizes_bytes = (MAX_BODY_BYTES, MAX_KEPT_BYTES - MAX_BODY_BYTES)
    with ExitStack() as opened:
        clients = [opened.enter_context(server.client()) for _ in range(5)]
        for holder, size_bytes in zip(clients, sizes_bytes, strict=False):
            holder.send(request(padded(size_bytes))[:-1])
        time.sleep(0.7)
        assert response_of(clients[2].post(review(4_000_000)))["warnings"] == [TOO_LARGE]
        assert "warnings" not in response_of(clients[4].post(review())), "ordinary ones find room"
        for holder in clients[:2]:
            holder.send(b"}")
            answer = response_of(holder.receive())
            assert (answer["uid"], "warnings" in answer) == (UID, False)
        assert "warnings" not in response_of(clients[3].post(review(4_000_000)))
    assert not witness.reviews[-1][0].not_understood


def test_a_review_beyond_those_that_find_a_place_is_allowed_at_once_with_a_warning():
    witness, pipeline = Witness(), FakePipeline(delay_seconds=1)
    with served(pipeline, witness=witness, max_reviews=2) as server, ExitStack() as opened:
        working, arriving, fourth = (opened.enter_context(server.client()) for _ in range(3))
        working.send(request(review()))
        arriving.send(request(review())[:-20])
        time.sleep(0.3)
        answer = response_of(fourth.post(review()))
        assert len(witness.reviews) == 1, "the one before it is still being judged"
        assert (answer["uid"], answer["allowed"], answer["warnings"]) == (UID, True, ["too many reviews at once"])
        assert witness.reviews[-1][0].not_understood == "too many reviews at once"
        assert fourth.post(b"rubbish").status == 400
        assert "warnings" not in response_of(working.receive())
        assert "warnings" not in response_of(fourth.post(review())), "there are places again"


def test_places_are_left_however_a_review_ends():
    with served(FakePipeline(), limits=SHORT, max_reviews=1) as server:
        for sent in (request(review())[:-20], request(b"rubbish"), request(review(MAX_BODY_BYTES))[:-20]):
            with server.client() as client:
                client.send(sent)
                time.sleep(0.1)
        with server.client() as client:
            client.send(request(review())[:-20])
            assert client.receive().status == 408
        with server.client() as client:
            assert "warnings" not in response_of(client.post(review()))


@pytest.mark.parametrize("size_bytes", [19_000_000, MAX_BODY_BYTES])
def test_a_body_up_to_the_limit_is_judged(server, witness, size_bytes):
    body = review(size_bytes - len(review()))
    with server.client() as client:
        answer = client.post(body)
    assert len(body) == size_bytes
    assert "warnings" not in response_of(answer)
    assert not witness.reviews[-1][0].not_understood


@pytest.mark.parametrize("excess_bytes", [1, 16 * 1024 * 1024])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_larger_body_is_drained_and_answered_by_the_uid_in_its_head(server, witness, excess_bytes, is_chunked):
    body = review(MAX_BODY_BYTES - len(review()) + excess_bytes)
    with server.client() as client:
        if is_chunked:
            client.send(b"POST /validate HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            answer = client.receive()
        else:
            answer = client.post(body)
        assert response_of(answer) == {"uid": UID, "allowed": True, "warnings": [TOO_LARGE], "auditAnnotations": {}}
    assert witness.reviews[-1][0].not_understood


@pytest.mark.parametrize(("size_bytes", "is_kept"), [(MAX_KEPT_ALIVE_BYTES, True), (MAX_KEPT_ALIVE_BYTES + 1, False)])
def test_a_connection_that_carried_a_large_body_ends_with_its_answer(client, size_bytes, is_kept):
    answer = client.post(review(size_bytes - len(review())))
    assert response_of(answer)["uid"] == UID
    assert answer.headers.get("connection") == (None if is_kept else "close")
    assert client.is_closed_within(0.3) is not is_kept


def test_a_larger_body_that_is_no_review_is_a_400(server):
    with server.client() as client:
        answer = client.post(b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status, answer.body) == (
        400,
        b"document: expected a review as the API server begins one",
    )


@pytest.mark.parametrize(
    ("timeout", "remaining_seconds"),
    [("?timeout=5s", 4.5), ("?timeout=30s", 8), ("", 8), ("?timeout=%00", 8), ("?timeout=1s&timeout=2s", 1.5)],
)
def test_the_deadline_is_the_timeout_less_the_margin_and_at_most_the_most(client, pipeline, timeout, remaining_seconds):
    assert client.post(review(), f"/validate{timeout}").status == 200
    assert remaining_seconds - 0.3 < pipeline.remaining_seconds[-1] <= remaining_seconds


def test_the_deadline_counts_from_the_last_byte_of_the_header(server, pipeline):
    body = review()
    sent = request(body, "/validate?timeout=2s")
    with server.client() as client:
        client.send(sent[: -len(body)])
        time.sleep(0.5)
        client.send(body)
        assert client.receive().status == 200
    assert 0.5 < pipeline.remaining_seconds[-1] < 1.3, "and not 1.5"


def test_a_body_that_stops_midway_is_given_up_at_the_deadline():
    with served(FakePipeline(), limits=SHORT) as server, server.client() as client:
        started_at = time.monotonic()
        client.send(request(review())[:-40])
        answer = client.receive()
        assert answer.status == 408
        assert 0.6 < time.monotonic() - started_at < 10
        assert client.is_closed_within(2)


def test_a_review_that_takes_too_long_is_answered_at_its_deadline():
    with served(FakePipeline(delay_seconds=60), limits=SHORT) as server, server.client() as client:
        started_at = time.monotonic()
        assert client.post(review()).status == 200
        assert 0.6 < time.monotonic() - started_at < 10


def test_a_connection_that_ends_within_the_body_disturbs_nobody(server, pipeline, caplog):
    judged = len(pipeline.remaining_seconds)
    for _ in range(5):
        with server.client() as client:
            client.send(request(review())[:-40])
    with server.client() as client:
        assert client.post(review()).status == 200
    assert len(pipeline.remaining_seconds) == judged + 1
    assert "did not arrive" not in caplog.text


class Patient(FakePipeline):
    """Begins to judge, and notes which reviews it was not let finish."""

    begun = unfinished = 0

    async def answer(self, body, mode, *, deadline_at):
        self.begun += 1
        try:
            return await super().answer(body, mode, deadline_at=deadline_at)
        except asyncio.CancelledError:
            self.unfinished += 1
            raise


@pytest.mark.parametrize("padding", [0, LARGE_BYTES], ids=["small", "large"])
def test_a_review_whose_sender_goes_away_is_given_up_and_leaves_its_place(padding, caplog):
    pipeline, witness = Patient(delay_seconds=5), Witness()
    with served(pipeline, witness=witness, max_reviews=1) as server:
        with server.client() as client:
            client.send(request(review(padding)))
            wait_until(lambda: pipeline.begun == 1)
        wait_until(lambda: pipeline.unfinished == 1)
        pipeline.delay_seconds = 0
        with server.client() as client:
            assert "warnings" not in response_of(client.post(review()))
    assert len(witness.reviews) == 1, "who was not answered is not counted as answered"
    assert "went away before the answer" in caplog.text


@pytest.mark.parametrize("padding", [0, MAX_BODY_BYTES // 8], ids=["small", "large"])
def test_a_body_that_cannot_be_read_is_freed_at_once(padding):
    """What waits for the garbage collector is counted by nobody, and megabytes of it would end the process."""
    with served(FakePipeline()) as server, server.client() as client:
        assert client.post(review()).status == 200
        with left_to_the_collector() as left:
            assert client.post(review(padding)[:-1]).status == 400
            time.sleep(0.1)
    assert [one for one in left if isinstance(one, BaseException)] == []


def test_a_client_that_sends_on_before_it_is_answered_is_answered_in_turn():
    with served(FakePipeline(delay_seconds=0.1)) as server, server.client() as client:
        client.send(request(review()) * 2)
        time.sleep(0.05)
        client.send(request(review()) * 2)
        assert [response_of(client.receive())["uid"] for _ in range(4)] == [UID] * 4


@pytest.mark.parametrize("padding", [0, LARGE_BYTES], ids=["small", "large"])
@pytest.mark.parametrize("turns", [1, 2, 3, 5, 50])
def test_an_application_that_is_cancelled_leaves_no_task(padding, turns):
    pipeline = Patient(delay_seconds=5)
    application = review_application(pipeline, mode=Mode.ENFORCE, limits=SHORT, observer=Witness())
    messages = [{"type": "http.request", "body": review(padding), "more_body": False}]

    async def receive():
        return messages.pop() if messages else await asyncio.Future()

    async def send(_message):
        raise AssertionError

    async def scene():
        scope = {"type": "http", "method": "POST", "path": "/validate", "query_string": b"", "headers": []}
        serving = asyncio.create_task(application(scope, receive, send))
        for _ in range(turns):
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait({serving})
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())
    assert pipeline.begun == pipeline.unfinished


def test_a_fault_of_the_pipeline_is_a_500_that_says_nothing_and_is_logged_once(caplog):
    with served(FakePipeline(fault=RuntimeError("hunter2"))) as server, server.client() as client:
        answer = client.post(review())
        assert (answer.status, answer.body) == (500, b"pullcheck: internal fault")
        assert "retry-after" not in answer.headers
        assert client.post(review()).status == 500, "the connection goes on"
    assert [record.name for record in caplog.records if record.exc_info] == ["webhook.wire.application"] * 2


def test_a_timeout_inside_the_pipeline_is_not_taken_for_a_slow_body():
    with served(FakePipeline(fault=TimeoutError())) as server, server.client() as client:
        assert client.post(review()).status == 500


def test_the_observer_learns_of_each_review_how_it_came(client, witness):
    begun = witness.begun
    client.post(review(), headers="Audit-ID: 8f2b\r\n")
    facts, delivery = witness.reviews[-1]
    assert (facts.uid, delivery.audit_id) == (UID, "8f2b")
    assert 0 < delivery.duration_seconds < 1
    client.post(review())
    assert witness.reviews[-1][1].audit_id == ""
    assert witness.begun == begun + 2


def test_an_observer_that_fails_costs_no_answer(caplog):
    with served(FakePipeline(), witness=Witness(fault=KeyError("x"))) as server, server.client() as client:
        assert client.post(review()).status == 200
    assert [record.message for record in caplog.records if record.exc_info] == ["a review could not be recorded"]


def test_a_server_that_does_not_tell_when_the_header_was_complete_has_the_deadline_count_from_the_application():
    pipeline, body = FakePipeline(), review()
    application = review_application(pipeline, mode=Mode.ENFORCE, limits=SHORT, observer=Witness())
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/validate", "query_string": b"", "headers": []}
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 200
    assert 0 < pipeline.remaining_seconds[0] <= 0.7


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/livez", b"ok", "text/plain; charset=utf-8"),
        ("/readyz", b"ok", "text/plain; charset=utf-8"),
        ("/metrics", b"metrics 1\n", "text/plain; version=0"),
    ],
)
def test_the_probes_answer_plainly(server, path, body, content_type):
    with server.probe() as client:
        answer = client.get(path)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, content_type)


def test_what_is_not_ready_says_why_one_reason_a_line():
    reasons = ["not serving yet", "stopping"]
    with served(FakePipeline(), reasons=reasons) as server, server.probe() as client:
        answer = client.get("/readyz")
        assert (answer.status, answer.body) == (503, b"not serving yet\nstopping")
        assert client.get("/livez").status == 200
        reasons.clear()
        assert client.get("/readyz").body == b"ok"


@pytest.mark.parametrize(
    ("target", "status"), [("/validate", 404), ("/livez/", 404), ("/healthz", 404), ("/livez", 405)]
)
def test_the_probes_know_their_paths_and_methods_only(server, target, status):
    with server.probe() as client:
        answer = client.post(review(), target)
    assert answer.status == status
    assert answer.headers.get("allow") == ("GET" if status == 405 else None)


def test_the_applications_show_no_documentation_and_need_no_start_up():
    application = probe_application(reasons=list, metrics=bytes, metrics_media_type="text/plain")
    assert {getattr(route, "path", "") for route in application.routes} == {"/livez", "/readyz", "/metrics"}
