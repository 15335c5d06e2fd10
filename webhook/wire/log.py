"""The log: one line of JSON for each event, on standard output, whatever its reader does."""

import json
import logging
import os
import queue
import re
import threading
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType

from webhook.admission.response import clean
from webhook.verdict.answer import ReviewFacts

MAX_TEXT_CHARACTERS = 512
"""Of one string. An object's name has 253 at most; what is longer is a stranger's."""
MAX_IMAGES = 50
"""Of one line; more are counted."""
MAX_FRAMES = 40
"""Of one traceback, the innermost."""
MAX_WAITING_LINES = 10_000
"""What waits for a reader that does not read, some 5 MB; what does not fit is dropped and counted."""
MAX_FLUSH_SECONDS = 1
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
"""By the names that the setting `log_level` has."""
_OURS = logging.getLogger("webhook")
"""The parent of every logger of the package."""
_AUDIT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: `event` first, then its fields, then level, time and logger.

    Strings are cleaned and bounded. Of an exception the line has the type and where it was raised, never the text: that
    may quote what a tenant or a registry sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one line, without its end."""
        fields = getattr(record, "fields", None)
        line = {"event": "log", "message": record.getMessage()} if fields is None else {"event": record.msg, **fields}
        if record.exc_info and record.exc_info[1]:
            line |= _fault(record.exc_info[1])
        written_at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line |= {"level": record.levelname.lower(), "time": written_at, "logger": record.name}
        return json.dumps(_bounded(line), separators=(",", ":"))


class LineHandler(logging.Handler):
    """Hands lines to a thread that writes them, so that a reader who stops reading costs lines, never a review."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING_LINES)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one line; what cannot be written as one is dropped and counted, like what finds no room."""
        try:
            if self._dropped:
                self._confess()
            self._lines.put_nowait(self._encoded(record))
        except Exception:  # noqa: BLE001 (a log that fails must not fail a review, and where else to tell?)
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, for at most `MAX_FLUSH_SECONDS`."""
        try:
            self._lines.put(None, timeout=MAX_FLUSH_SECONDS)
        except queue.Full:
            pass
        else:
            self._writer.join(MAX_FLUSH_SECONDS)
        super().close()

    def _confess(self) -> None:
        record = _OURS.makeRecord(_OURS.name, logging.WARNING, "", 0, "lines dropped", (), None)
        record.fields = {"count": self._dropped}
        self._lines.put_nowait(self._encoded(record))
        self._dropped = 0

    def _encoded(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                # Not through sys.stdout: a thread that holds its lock at the interpreter's end makes the process abort.
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                self._dropped += 1


def write_to(descriptor: int, level: str) -> LineHandler:
    """Send what this process logs, uvicorn's and other libraries' lines included, to a file descriptor.

    `level` is ours and uvicorn's. Other libraries write warnings and errors only: at lower levels they log bodies and
    URLs that hold secrets.

    Args:
        descriptor: Standard output's.
        level: One of `LEVELS`.

    Returns:
        The handler; closing it writes what still waits.
    """
    handler = LineHandler(descriptor)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _OURS.setLevel(LEVELS[level])
    # uvicorn's own information ("Started server process") says less than our events.
    logging.getLogger("uvicorn.error").setLevel(LEVELS[level] if level in ("debug", "error") else logging.WARNING)
    return handler


def write_event(event: str, *, level: str = "info", **fields: object) -> None:
    """Write one event with its fields."""
    _write_if_wanted(event, LEVELS[level], fields)


def write_serving(address: str, probes: str) -> None:
    """Say where the webhook is served, whatever the level: who asked for port 0 learns the real ones from this line."""
    _write("serving", logging.INFO, {"address": address, "probes": probes})


def write_review(facts: ReviewFacts, *, duration_seconds: float, audit_id: str, requests: int) -> None:
    """Write the line of a review.

    Args:
        facts: What the pipeline found.
        duration_seconds: From the last byte of the request's header to the answer.
        audit_id: What the request's header says; anything but an id of the API server's form is left out.
        requests: How many requests to registries this review caused; those that another one made for it do not count.
    """
    images = facts.images[:MAX_IMAGES]
    fields: dict[str, object] = {
        "uid": facts.uid,
        "audit_id": audit_id if _AUDIT_ID.fullmatch(audit_id) else None,
        "kind": facts.kind,
        "namespace": facts.namespace,
        "name": facts.name,
        "operation": facts.operation,
        "dry_run": facts.dry_run,
        "mode": facts.mode,
        "decision": facts.decision,
        "early": facts.early,
        "not_understood": facts.not_understood,
        "images": [{"image": image, "resolution": resolution} for image, resolution in images],
        "more_images": len(facts.images) - len(images) or None,
        "remembered": facts.remembered,
        "requests": requests,
        "duration_seconds": duration_seconds,
        "durations": dict(facts.durations),
        "deadline_exceeded": facts.is_deadline_exceeded,
    }
    _write_if_wanted("review", logging.INFO, {key: value for key, value in fields.items() if value is not None})


def write_loop_fault(_loop: object, context: Mapping[str, object]) -> None:
    """Write what the event loop says of a failed callback or task (asyncio's own words quote the exception's text)."""
    fault = context.get("exception")
    if isinstance(fault, BaseException):
        _OURS.error("%s", context.get("message"), exc_info=fault)
    else:
        _OURS.error("%s", context.get("message"))


def _write_if_wanted(event: str, level: int, fields: Mapping[str, object]) -> None:
    if _OURS.isEnabledFor(level):
        _write(event, level, fields)


def _write(event: str, level: int, fields: Mapping[str, object]) -> None:
    _OURS.handle(_OURS.makeRecord(_OURS.name, level, "", 0, event, (), None, extra={"fields": fields}))


def _bounded(value: object) -> object:
    """Make any value one that JSON can hold, its strings clean and bounded."""
    match value:
        case bool() | int() | None:
            return value
        case float():
            return round(value, 6)
        case Mapping():
            return {str(key): _bounded(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_bounded(entry) for entry in value]
        case _:
            return clean(str(value)[:MAX_TEXT_CHARACTERS])


def _fault(fault: BaseException) -> dict[str, object]:
    """Describe an exception and those that led to it, each by its type and the lines that it came through."""
    return {
        "exception": type(fault).__qualname__,
        "traceback": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(fault.__traceback__)],
        "caused_by": [type(cause).__qualname__ for cause in _causes(fault)],
    }


def _frames(trace: TracebackType | None) -> Iterable[traceback.FrameSummary]:
    return traceback.extract_tb(trace)[-MAX_FRAMES:]


def _causes(fault: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    current = fault.__cause__ or fault.__context__
    while current and current not in causes:
        causes.append(current)
        current = current.__cause__ or current.__context__
    return causes
