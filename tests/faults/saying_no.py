"""What is no fault: a registry's own no. It is denied, and so the rest proves something."""

from tests.fakes.exchange import Response
from tests.faults import acts
from tests.faults.fault import Fault, logged_in, tokens

_MISSING = Response.of_error(404, "MANIFEST_UNKNOWN", "manifest unknown", {})
_DENIED = Response.of_error(403, "DENIED", "requested access to the resource is denied", {})
_UNTOLD = "it answers the same for a repository that does not exist"

FAULTS = (
    Fault(name="image-missing", row="registry down", cause="has no such", resolution="Missing", is_present=False),
    # Nodes ask with HEAD: what only GET has, they do not find.
    Fault(
        name="image-hidden-from-head",
        row="HEAD unsupported",
        cause="has no such",
        resolution="Missing",
        when=logged_in,
        act=acts.by_method(head=acts.replying(_MISSING), get=acts.honestly),
    ),
    Fault(
        name="access-denied",
        row="registry down",
        cause=_UNTOLD,
        resolution="Refused",
        when=logged_in,
        act=acts.replying(_DENIED),
    ),
    Fault(
        name="token-denied",
        row="token server",
        cause=_UNTOLD,
        resolution="Refused",
        when=tokens,
        act=acts.replying(_DENIED),
    ),
)
