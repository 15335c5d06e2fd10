"""Faults of the token server: it is away, hangs, or gives what nodes cannot read; and tokens that live for no time."""

import json
from collections.abc import Mapping

from tests.fakes.exchange import Request, Response
from tests.faults import acts
from tests.faults.asking import JUST_IN_TIME_SECONDS, LIMITED, LOST, STRANGE, TROUBLE, page
from tests.faults.connecting import SILENT
from tests.faults.fault import Fault, tokens

UNREADABLE = "gives a token answer that nodes cannot read"
_GZIP = Response(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), b'{"token":"x"}')
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"10000\r\n" + b'"' + b"x" * 0xFFFF + b"\r\n"


def _at_a_closed_port(address: str) -> tuple[str]:
    # The port is the one of `asking`, and the settings admit it as a realm.
    return (f'Bearer realm="https://{address.partition(":")[0]}:1/token",service="registry.test"',)


def _to_itself(request: Request) -> str:
    return request.target


def _json(text: str) -> acts.Act:
    return acts.replying(Response(200, (("Content-Type", "application/json"),), text.encode()))


def with_lifetime(expires_in: object, **more: object) -> acts.Act:
    """Send the honest token with another lifetime."""

    async def act(struck: acts.Struck) -> None:
        honest = json.loads(struck.honest.partition(b"\r\n\r\n")[2])
        await _json(json.dumps({**honest, "expires_in": expires_in, **more}))(struck)

    return act


SILENCES: Mapping[str, acts.Act] = {
    "silence": acts.stalling(),
    "drip": acts.dripping(),
    "stalled": acts.stalling(0.9),
    "reset": acts.resetting(),
}
UNREAD: Mapping[str, acts.Act] = {
    "absent": _json('{"expires_in":300}'),
    "empty": _json('{"token":"","access_token":""}'),
    "null": _json("null"),
    "page": acts.replying(page(200)),
    "no-json": _json("token=x"),
    "nothing": _json(""),
    "number": _json('{"token":1,"access_token":1}'),
    "with-blanks": _json('{"token":"a b","access_token":"a b"}'),
    "of-100-kibibytes": _json(json.dumps({"token": "x" * 1024 * 100, "access_token": "x"})),
    "endless": acts.endless(_HEAD, _CHUNK),
    "lifetime-a-text": with_lifetime("300"),
    "lifetime-a-fraction": with_lifetime(0.5),
    "issued-at-nonsense": with_lifetime(300, issued_at="yesterday"),
    "status-302-page": acts.replying(page(302)),
}
LIFETIMES: Mapping[str, acts.Act] = {
    "zero": with_lifetime(0),
    "negative": with_lifetime(-300),
    "null": with_lifetime(None),
    "issued-next-year": with_lifetime(300, issued_at="2100-01-01T00:00:00Z"),
    "issued-last-century": with_lifetime(300, issued_at="1999-01-01T00:00:00Z"),
}
TROUBLES: Mapping[str, tuple[int, str]] = {
    "500": (500, TROUBLE),
    "503": (503, TROUBLE),
    "429": (429, LIMITED),
    "401-page": (401, STRANGE),
    "403-page": (403, STRANGE),
}
FAULTS = (
    Fault(name="token-refused", row="token server", cause=SILENT, challenge=_at_a_closed_port),
    *(
        Fault(name=f"token-{name}", row="token server", cause=SILENT, when=tokens, act=act)
        for name, act in SILENCES.items()
    ),
    *(
        Fault(name=f"token-{name}", row="token server", cause=UNREADABLE, when=tokens, act=act)
        for name, act in UNREAD.items()
    ),
    *(
        Fault(name=f"token-{name}", row="token server", cause=cause, when=tokens, act=acts.replying(page(status)))
        for name, (status, cause) in TROUBLES.items()
    ),
    *(
        Fault(name=f"token-lifetime-{name}", row="token server", when=tokens, act=act)
        for name, act in LIFETIMES.items()
    ),
    Fault(name="token-cut", row="token server", cause=STRANGE, when=tokens, act=acts.resetting(0.9)),
    Fault(name="token-gzip", row="token server", cause=STRANGE, when=tokens, act=acts.replying(_GZIP)),
    Fault(name="token-no-http", row="token server", cause=STRANGE, when=tokens, act=acts.saying(b"+OK\r\n" * 99)),
    Fault(name="token-loop", row="token server", cause=LOST, when=tokens, act=acts.redirecting(_to_itself)),
    Fault(name="token-just-in-time", row="token server", when=tokens, act=acts.late(JUST_IN_TIME_SECONDS)),
)
