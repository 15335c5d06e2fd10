"""Faults of the first question, HEAD of a manifest, and of the challenge that it meets."""

from tests.fakes.exchange import Request, Response
from tests.faults import acts
from tests.faults.connecting import SILENT
from tests.faults.fault import Challenge, Fault, heads, logged_in, manifests
from tests.faults.registry import DIGEST

JUST_IN_TIME_SECONDS = 1.2
"""More than half of what a request may take by default (2 s)."""
TROUBLE = "has trouble of its own"
LIMITED = "too many requests"
STRANGE = "gives an answer that no registry gives"
LOST = "redirects in a way that leads nowhere"
UNREADABLE = "asks for a login in a way that nodes cannot read"
PAGE = Response(200, (("Content-Type", "text/html; charset=utf-8"),), b"<!DOCTYPE html><title>Sign in</title>")
INDEX = "application/vnd.oci.image.index.v1+json"
RETRY_AFTER = {
    "none": (),
    "seconds": (("Retry-After", "7"),),
    "date": (("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"),),
    "1e9": (("Retry-After", "1000000000"),),
    "garbage": (("Retry-After", "-soon; \xa0½"),),
}


def page(status: int) -> Response:
    """A web page with a status."""
    return Response(status, PAGE.headers, PAGE.body)


def found(digest: str, media_type: str = INDEX, length: str = "512") -> Response:
    """A manifest's headers."""
    digests = (("Docker-Content-Digest", digest),) if digest else ()
    return Response(200, (("Content-Type", media_type), ("Content-Length", length), *digests))


def _to_itself(request: Request) -> str:
    return request.target


def _to_a_closed_port(request: Request) -> str:
    # Port 1 of loopback: nobody listens there, and nobody without privileges can.
    return f"https://{request.host.partition(':')[0]}:1{request.target}"


def _to_plain_http(request: Request) -> str:
    return f"http://{request.host}{request.target}"


def _always(line: str) -> Challenge:
    return lambda _: (line,)


HANGING = (
    Fault(name="head-silence", row="registry hangs or drips", cause=SILENT, when=manifests, act=acts.stalling()),
    Fault(name="head-drip", row="registry hangs or drips", cause=SILENT, when=manifests, act=acts.dripping()),
    Fault(name="head-stalled", row="registry hangs or drips", cause=SILENT, when=manifests, act=acts.stalling(0.5)),
    Fault(name="login-silence", row="registry hangs or drips", cause=SILENT, when=logged_in, act=acts.stalling()),
    Fault(name="login-drip", row="registry hangs or drips", cause=SILENT, when=logged_in, act=acts.dripping()),
    Fault(
        name="head-early-hints-forever",
        row="registry hangs or drips",
        cause=SILENT,
        when=manifests,
        act=acts.endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    ),
    Fault(
        name="head-just-in-time",
        row="registry hangs or drips",
        when=logged_in,
        act=acts.late(JUST_IN_TIME_SECONDS),
    ),
)
BROKEN = (
    Fault(name="head-reset", row="registry down", cause=SILENT, when=manifests, act=acts.resetting()),
    Fault(name="head-cut", row="registry down", cause=SILENT, when=manifests, act=acts.resetting(0.5)),
    Fault(name="head-closed", row="registry down", cause=SILENT, when=manifests, act=acts.closing(0.04)),
    Fault(name="login-reset", row="registry down", cause=SILENT, when=logged_in, act=acts.resetting()),
    Fault(name="head-reset-once", row="registry down", when=logged_in, act=acts.only_first(acts.resetting())),
    Fault(name="head-no-http", row="registry down", cause=STRANGE, when=manifests, act=acts.saying(b"\0\xff\r\n" * 99)),
    Fault(
        name="head-header-of-a-mebibyte",
        row="registry down",
        cause=STRANGE,
        when=manifests,
        act=acts.saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1024 * 1024 + b"\r\n\r\n"),
    ),
    Fault(
        name="head-ten-thousand-headers",
        row="registry down",
        cause=STRANGE,
        when=manifests,
        act=acts.saying(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n"),
    ),
)
STATUSES = (
    *(
        Fault(name=f"head-{status}", row="5xx", cause=TROUBLE, when=manifests, act=acts.replying(Response(status)))
        for status in (500, 502, 503, 504)
    ),
    Fault(name="login-503-page", row="5xx", cause=TROUBLE, when=logged_in, act=acts.replying(page(503))),
    *(
        Fault(
            name=f"head-429-retry-{name}",
            row="429",
            cause=LIMITED,
            when=manifests,
            act=acts.replying(Response(429, headers)),
        )
        for name, headers in RETRY_AFTER.items()
    ),
    Fault(name="login-429", row="429", cause=LIMITED, when=logged_in, act=acts.replying(Response(429))),
    Fault(name="head-408", row="429", cause=LIMITED, when=manifests, act=acts.replying(Response(408))),
)
REDIRECTS = (
    Fault(name="redirect-loop", row="registry down", cause=LOST, when=manifests, act=acts.redirecting(_to_itself)),
    Fault(
        name="redirect-to-a-closed-port",
        row="registry down",
        cause=SILENT,
        when=manifests,
        act=acts.redirecting(_to_a_closed_port),
    ),
    Fault(
        name="redirect-to-plain-http",
        row="TLS",
        cause="redirects to plain http",
        resolution="Blocked",
        when=manifests,
        act=acts.redirecting(_to_plain_http),
    ),
    Fault(
        name="redirect-nowhere", row="registry down", cause=STRANGE, when=manifests, act=acts.redirecting(lambda _: "")
    ),
)
CONTENT = (
    Fault(name="page-for-404", row="proxy", cause=STRANGE, when=manifests, act=acts.replying(page(404))),
    Fault(name="page-for-403", row="proxy", cause=STRANGE, when=manifests, act=acts.replying(page(403))),
    Fault(name="page-for-401", row="proxy", cause=STRANGE, when=manifests, act=acts.replying(page(401))),
    Fault(
        name="page-for-200",
        row="proxy",
        cause="web page",
        resolution="Unsupported",
        when=manifests,
        act=acts.replying(PAGE),
    ),
    Fault(
        name="digest-that-is-none",
        row="HEAD unsupported",
        cause=STRANGE,
        cause_by_digest="contradicts itself",
        when=heads,
        act=acts.replying(found("sha256:x")),
    ),
    Fault(
        name="media-type-that-is-none",
        row="HEAD unsupported",
        cause="no image manifest",
        resolution="Unsupported",
        when=logged_in,
        act=acts.replying(found(DIGEST, "application/octet-stream")),
    ),
)
CHALLENGES = tuple(
    Fault(name=f"challenge-{name}", row="token server", cause=UNREADABLE, challenge=_always(line))
    for name, line in {
        "without-realm": 'Bearer service="registry.test"',
        "with-relative-realm": 'Bearer realm="/token",service="registry.test"',
        "unquoted": "Bearer realm=https://auth.example.com/token",
        "unterminated": 'Bearer realm="https://auth.example.com/token',
        "in-one-line": 'Negotiate, Bearer realm="https://auth.example.com/token"',
        "of-nine-kibibytes": f'Bearer realm="https://auth.example.com/token",x="{"x" * 9 * 1024}"',
    }.items()
)
FAULTS = (*HANGING, *BROKEN, *STATUSES, *REDIRECTS, *CONTENT, *CHALLENGES)
