"""Faults of the cluster's API server: how a secret or a service account cannot be read, and what the warning says."""

from collections.abc import Mapping

from tests.fakes.exchange import Response
from tests.faults import acts
from tests.faults.apiserver import status
from tests.faults.asking import page
from tests.faults.cases import ACCOUNT, SECRET, Way

UNREACHABLE = "the API server cannot be reached"
STRANGE = "the answer is not one of an API server"
LATE = "did not answer in time"
_MEBIBYTE = 1024 * 1024

QUICK: Mapping[str, tuple[acts.Act, str]] = {
    "api-reset": (acts.resetting(), UNREACHABLE),
    "api-closed": (acts.closing(0), UNREACHABLE),
    "api-cut": (acts.resetting(0.9), UNREACHABLE),
    "api-no-http": (acts.saying(b"\0\xff\r\n" * 99), UNREACHABLE),
    "api-401": (acts.replying(status(401, "Unauthorized")), "the API server does not accept the webhook's login"),
    "api-403": (acts.replying(status(403, "Forbidden")), "the webhook may not read it (RBAC)"),
    "api-429": (acts.replying(status(429, "TooManyRequests")), "the API server answered 429"),
    "api-500": (acts.replying(status(500, "InternalError")), "the API server answered 500"),
    "api-503-page": (acts.replying(page(503)), "the API server answered 503"),
    "api-302": (acts.redirecting(lambda request: request.target, 302), "the API server answered 302"),
    "api-page": (acts.replying(page(200)), STRANGE),
    "api-404-page": (acts.replying(page(404)), STRANGE),
    "api-other-kind": (acts.replying(Response.of_json(200, {"kind": "Table", "apiVersion": "v1"})), STRANGE),
    "api-deep": (acts.replying(Response(200, (), b"[" * 100_000)), STRANGE),
    "api-five-mebibytes": (acts.replying(Response(200, (), b" " * 5 * _MEBIBYTE)), STRANGE),
}
SLOW: Mapping[str, tuple[acts.Act, str]] = {
    "api-silence": (acts.stalling(), LATE),
    "api-stalled": (acts.stalling(0.9), LATE),
    "api-drip": (acts.dripping(), LATE),
}
REFUSED = "api-refused"
"""Nobody listens where the API server should be."""
REASONS = {name: reason for name, (_, reason) in {**QUICK, **SLOW}.items()} | {REFUSED: UNREACHABLE}


def unread(way: Way) -> str:
    """What is to be read first in a way, as a warning names it; empty where nothing is.

    A pod comes with the secrets of its service account, which the API server copied.
    """
    if way.login == "pod secret" or (way.login == "account secret" and way.kind == "Pod"):
        return f'pull secret "{SECRET}"'
    if way.kind == "Pod":
        return ""
    return f'service account "{ACCOUNT if way.login == "account secret" else "default"}"'
