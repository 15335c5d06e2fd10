"""Faults of GET: where HEAD is not enough, and where it confirms what would be a denial."""

from collections.abc import Mapping

from tests.fakes.exchange import Response
from tests.faults import acts
from tests.faults.asking import INDEX, JUST_IN_TIME_SECONDS, LIMITED, LOST, STRANGE, TROUBLE, found, page
from tests.faults.connecting import SILENT
from tests.faults.fault import Fault, gets, logged_in

CONTRADICTION = "contradicts itself"
_WITHOUT_HEAD = acts.replying(Response(405))
_WITHOUT_SIZE = acts.replying(Response(200, (("Content-Type", INDEX), ("Transfer-Encoding", "chunked"))))
_MISSING = acts.replying(Response.of_error(404, "MANIFEST_UNKNOWN", "manifest unknown", {}))
_GZIP = Response(200, (*found("").headers[:1], ("Content-Encoding", "gzip")), b"\x1f\x8b" + b"x" * 99)
_ENDLESS = acts.endless(
    f"HTTP/1.1 200 OK\r\nContent-Type: {INDEX}\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
    b"10000\r\n" + b" " * 0x10000 + b"\r\n",
)
_OTHER = Response(200, (("Content-Type", INDEX),), b"{}")

GETS: Mapping[str, tuple[acts.Act, str]] = {
    "reset": (acts.resetting(), SILENT),
    "cut": (acts.resetting(0.9), STRANGE),
    "silence": (acts.stalling(), SILENT),
    "stalled": (acts.stalling(0.9), SILENT),
    "drip": (acts.dripping(), SILENT),
    "500": (acts.replying(Response(500)), TROUBLE),
    "503-page": (acts.replying(page(503)), TROUBLE),
    "429": (acts.replying(Response(429, (("Retry-After", "1"),))), LIMITED),
    "gzip": (acts.replying(_GZIP), STRANGE),
    "no-http": (acts.saying(b"garbage\r\n" * 9), STRANGE),
    "loop": (acts.redirecting(lambda request: request.target), LOST),
}
"""What may happen to any GET, and the cause."""
ONLY_FALLBACKS: Mapping[str, tuple[acts.Act, str]] = {"405": (acts.replying(Response(405)), STRANGE)}
ONLY_CONFIRMATIONS: Mapping[str, tuple[acts.Act, str]] = {
    "page-for-404": (acts.replying(page(404)), STRANGE),
    "bare-404": (acts.replying(Response(404)), STRANGE),
    "403": (acts.replying(Response.of_error(403, "DENIED", "denied", {})), CONTRADICTION),
    "endless-404": (
        acts.endless(
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"
        ),
        STRANGE,
    ),
    "endless-page": (
        acts.endless(
            b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"406\r\n<html>" + b" " * 1024 + b"\r\n",
        ),
        STRANGE,
    ),
}

FALLBACKS = (
    *(
        Fault(
            name=f"head-405-get-{name}",
            row="HEAD unsupported",
            cause=cause,
            when=logged_in,
            act=acts.by_method(head=_WITHOUT_HEAD, get=act),
        )
        for name, (act, cause) in {**GETS, **ONLY_FALLBACKS}.items()
    ),
    Fault(
        name="head-405-get-endless",
        row="HEAD unsupported",
        cause="larger than nodes take",
        resolution="Unsupported",
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_HEAD, get=_ENDLESS),
    ),
    Fault(
        name="head-405",
        row="HEAD unsupported",
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_HEAD, get=acts.honestly),
    ),
    Fault(
        name="head-without-size",
        row="HEAD unsupported",
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_SIZE, get=acts.honestly),
    ),
    Fault(
        name="head-without-size-get-stalled",
        row="HEAD unsupported",
        cause=SILENT,
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_SIZE, get=acts.stalling(0.9)),
    ),
    Fault(
        name="head-without-size-get-500",
        row="HEAD unsupported",
        cause=CONTRADICTION,
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_SIZE, get=acts.replying(Response(500))),
    ),
    Fault(
        name="head-without-size-get-just-in-time",
        row="HEAD unsupported",
        when=logged_in,
        act=acts.by_method(head=_WITHOUT_SIZE, get=acts.late(JUST_IN_TIME_SECONDS)),
    ),
)
CONFIRMATIONS = (
    *(
        Fault(name=f"confirmation-{name}", row="registry down", cause=cause, when=gets, act=act, is_present=False)
        for name, (act, cause) in {**GETS, **ONLY_CONFIRMATIONS}.items()
    ),
    Fault(
        name="missing-at-first",
        row="registry down",
        when=logged_in,
        act=acts.by_method(head=acts.only_first(_MISSING), get=acts.honestly),
    ),
)
FAULTS = (*FALLBACKS, *CONFIRMATIONS)
