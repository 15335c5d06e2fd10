import asyncio
import json
import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from webhook.verdict.answer import ReviewFacts
from webhook.verdict.policy import Decision, Mode
from webhook.wire import log
from webhook.wire.log import MAX_IMAGES, MAX_TEXT_CHARACTERS, MAX_WAITING_LINES

FACTS = ReviewFacts(
    uid="705ab4f5",
    kind="Deployment",
    namespace="default",
    name="my-app",
    operation="CREATE",
    mode=Mode.ENFORCE,
    decision=Decision.DENY,
    images=(("my-app:2.0", "Missing"),),
    durations={"judging": 0.0123456789},
)


class Written:
    """The log of this process while a test runs, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self.handler = log.write_to(self._descriptor, "info")

    def at(self, level: str) -> None:
        self.handler.close()
        self.handler = log.write_to(self._descriptor, level)

    def lines(self) -> list[str]:
        self.handler.close()
        return self._path.read_text().splitlines()

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines()]

    def close(self) -> None:
        self.handler.close()
        os.close(self._descriptor)


@pytest.fixture
def written(tmp_path):
    root, levels = logging.getLogger(), {}
    for name in ("", "webhook", "uvicorn.error"):
        levels[name] = logging.getLogger(name).level
    handlers = root.handlers[:]
    opened = Written(tmp_path / "log")
    yield opened
    opened.close()
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def write_review(facts=None, audit_id=""):
    log.write_review(facts or FACTS, duration_seconds=0.0215, audit_id=audit_id, requests=3)


def test_a_review_is_one_line_with_all_that_is_known_of_it(written):
    write_review(audit_id="8f2b0c1e-0000-4000-8000-000000000000")
    (line,) = written.lines()
    assert line.startswith('{"event":"review","uid":"705ab4f5","audit_id":"8f2b')
    event = json.loads(line)
    assert event.pop("time").endswith("+00:00")
    assert event == {
        "event": "review",
        "uid": "705ab4f5",
        "audit_id": "8f2b0c1e-0000-4000-8000-000000000000",
        "kind": "Deployment",
        "namespace": "default",
        "name": "my-app",
        "operation": "CREATE",
        "dry_run": False,
        "mode": "enforce",
        "decision": "deny",
        "images": [{"image": "my-app:2.0", "resolution": "Missing"}],
        "remembered": 0,
        "requests": 3,
        "duration_seconds": 0.0215,
        "durations": {"judging": 0.012346},
        "deadline_exceeded": False,
        "level": "info",
        "logger": "webhook",
    }


def test_why_nothing_was_asked_or_understood_is_told_when_it_is_so(written):
    write_review(replace(FACTS, early="mirror pod", images=()))
    write_review(replace(FACTS, not_understood="spec: expected object"))
    first, second = written.events()
    assert (first["early"], first["images"], "not_understood" in first) == ("mirror pod", [], False)
    assert (second["not_understood"], "early" in second) == ("spec: expected object", False)


@pytest.mark.parametrize("audit_id", ["", "a b", "a\n", "a" * 65, "über", '"'])
def test_an_audit_id_of_another_form_than_the_api_servers_is_left_out(written, audit_id):
    write_review(audit_id=audit_id)
    assert "audit_id" not in written.events()[0]


def test_strangers_text_is_bounded_and_clean(written):
    write_review(
        replace(FACTS, name="a\x1b[31m\u202eb\n" + "c" * 10_000, images=(("\x07" * 9 + "d" * 10_000, "Missing"),) * 80)
    )
    (line,) = written.lines()
    event = json.loads(line)
    assert event["name"].startswith("a [31mb c")
    assert len(event["name"]) <= MAX_TEXT_CHARACTERS
    assert (len(event["images"]), event["more_images"]) == (MAX_IMAGES, 80 - MAX_IMAGES)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 64 * 1024


def test_a_thousandfold_event_is_still_one_line_each(written):
    for _ in range(1000):
        write_review()
    assert len(written.events()) == 1000


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_says_which_events_are_told(written, level, told):
    written.at(level)
    for each in log.LEVELS:
        log.write_event("event", level=each)
    assert [event["level"] for event in written.events()] == told


def test_the_addresses_are_told_at_any_level(written):
    written.at("error")
    log.write_serving("127.0.0.1:41231", "127.0.0.1:8080")
    (line,) = written.lines()
    assert line.startswith('{"event":"serving","address":"127.0.0.1:41231","probes":"127.0.0.1:8080",')


def test_an_event_has_any_fields_as_json_has_them(written):
    log.write_event("event", level="warning", a=1, b=True, c=None, d=[1.5, ("x",)], e={"k": Path("/x")})
    event = written.events()[0]
    assert {key: event[key] for key in "abcde"} == {"a": 1, "b": True, "c": None, "d": [1.5, ["x"]], "e": {"k": "/x"}}


def test_other_libraries_lines_have_the_same_form_and_only_warnings_are_taken(written):
    written.at("debug")
    logging.getLogger("kubernetes.client.rest").debug("response body: %s", "hunter2")
    logging.getLogger("httpx").info("HTTP Request: GET %s", "https://a/?X-Amz-Signature=hunter2")
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("urllib3").warning("Retrying %s\x1b", "x\n" * 1000)
    first, second = written.events()
    assert (first["event"], first["message"], first["logger"]) == ("log", "Started", "uvicorn.error")
    assert (second["level"], second["logger"]) == ("warning", "urllib3")
    assert str(second["message"]).startswith("Retrying x x")
    assert len(str(second["message"])) <= MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(("level", "told"), [("info", 0), ("warning", 0), ("debug", 1), ("error", 0)])
def test_uvicorns_own_information_is_for_debugging(written, level, told):
    written.at(level)
    logging.getLogger("uvicorn.error").info("Started")
    assert len(written.lines()) == told


def raise_with_a_cause():
    try:
        dict[str, str]()["hunter2"]
    except KeyError as cause:
        raise ValueError("hunter2") from cause


def test_of_an_exception_the_type_and_the_lines_are_told_and_never_the_text(written):
    try:
        raise_with_a_cause()
    except ValueError:
        logging.getLogger("webhook.pipeline").exception("judging failed")
    (line,) = written.lines()
    assert "hunter2" not in line
    event = json.loads(line)
    assert (event["message"], event["exception"], event["caused_by"]) == ("judging failed", "ValueError", ["KeyError"])
    assert event["traceback"][-1].endswith(" raise_with_a_cause")
    assert "test_log.py:" in event["traceback"][-1]


def test_causes_that_lead_in_a_circle_end(written):
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    logging.getLogger("webhook").error("x", exc_info=first)
    assert written.events()[0]["caused_by"] == ["KeyError", "ValueError"]


def test_a_task_that_fails_unseen_is_told_without_its_text(written):
    async def fail():
        raise ValueError("hunter2")

    async def main():
        asyncio.get_running_loop().set_exception_handler(log.write_loop_fault)
        task = asyncio.create_task(fail())
        await asyncio.sleep(0.01)
        del task

    asyncio.run(main())
    log.write_loop_fault(None, {"message": "no exception"})
    first, second = written.events()
    assert (first["message"], first["exception"]) == ("Task exception was never retrieved", "ValueError")
    assert "hunter2" not in str(first)
    assert second["message"] == "no exception"


def test_a_record_that_cannot_be_written_is_dropped_and_counted(written, capsys):
    written.handler.emit(logging.makeLogRecord({"msg": "%d", "args": ("hunter2",)}))
    log.write_event("after")
    dropped, after = written.events()
    assert (dropped["event"], dropped["count"]) == ("lines dropped", 1)
    assert after["event"] == "after"
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def pipe():
    """Both ends as files: closing one twice does not close what has its number by then."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        yield reader, writer


def test_a_reader_that_stops_reading_costs_lines_and_never_time(pipe):
    reading, writing = pipe
    handler = log.LineHandler(writing.fileno())
    record = logging.makeLogRecord({"msg": "x" * 400})
    started_at = time.monotonic()
    for _ in range(MAX_WAITING_LINES + 2_000):
        handler.emit(record)
    assert time.monotonic() - started_at < 20
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.extend(line.decode() for line in reading))
    reader.start()
    while not handler._lines.empty():
        time.sleep(0.01)
    handler.emit(record)
    handler.close()
    writing.close()
    reader.join()
    events = [json.loads(line) for line in received]
    counts = [event["count"] for event in events if event["event"] == "lines dropped"]
    assert len(events) - len(counts) + sum(counts) == MAX_WAITING_LINES + 2_001
    assert sum(counts) > 1_000


def test_a_reader_that_never_reads_holds_the_end_up_for_a_moment_only(pipe):
    reading, writing = pipe
    handler = log.LineHandler(writing.fileno())
    for _ in range(MAX_WAITING_LINES + 2_000):
        handler.emit(logging.makeLogRecord({"msg": "x" * 400}))
    started_at = time.monotonic()
    handler.close()
    assert time.monotonic() - started_at < 10
    # Let the thread give up on the lines that still wait, before somebody else gets the descriptor's number.
    reading.close()
    while not handler._lines.empty():
        time.sleep(0.01)


def test_a_reader_that_is_gone_disturbs_nobody(pipe):
    reading, writing = pipe
    reading.close()
    handler = log.LineHandler(writing.fileno())
    for _ in range(3):
        handler.emit(logging.makeLogRecord({"msg": "x"}))
    handler.close()
    assert not handler._writer.is_alive()
