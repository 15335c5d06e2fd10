"""The AdmissionReview that the API server posts; the objects in it stay bytes until they are wanted."""

import re
from dataclasses import dataclass

import msgspec

from webhook.admission.fault import READ_FAULTS, describe

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
HEAD_BYTES = 256
"""What `find_uid` looks at. In what the API server sends the uid ends at byte 116; the rest is room for white space."""
MAX_UID_CHARACTERS = 128
"""The answer repeats the uid, so a stranger's is bounded. The API server sends the 36 characters of a UUID."""
_HEAD = re.compile(
    rb'\s*\{\s*"kind"\s*:\s*"AdmissionReview"\s*,\s*"apiVersion"\s*:\s*"admission\.k8s\.io/v1"\s*,'
    rb'\s*"request"\s*:\s*\{\s*"uid"\s*:\s*"([!#-\[\]-~]{1,128})"'
)
_NULL = msgspec.Raw(b"null")


class MalformedReviewError(Exception):
    """The body is no AdmissionReview of `admission.k8s.io/v1`; the text is one line with a path, never a value."""


class UnreadableReviewError(Exception):
    """The body begins as an AdmissionReview and nests too deeply to be read: its workload cannot be understood.

    Attributes:
        uid: What the answer must repeat.
    """

    def __init__(self, uid: str) -> None:
        super().__init__("document: nested too deeply")
        self.uid = uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One request of the API server (`request` of k8s.io/api/admission/v1); text that is absent or null is empty."""

    uid: str
    """Of this call, not of the user's request: the API server makes a new one for each webhook and each retry."""
    group: str
    """Of the object as sent, after a conversion to the version that the webhook's rule names (`request.kind`)."""
    version: str
    kind: str
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str
    username: str = ""
    groups: tuple[str, ...] = ()
    object: msgspec.Raw | None = None
    """The object's JSON, a view of the body; None for DELETE and CONNECT without options."""
    old_object: msgspec.Raw | None = None
    """The object's JSON before an UPDATE or DELETE."""
    dry_run: bool = False


class _Kind(msgspec.Struct):
    kind: str
    group: str | None = None
    version: str | None = None


class _User(msgspec.Struct):
    username: str | None = None
    groups: tuple[str | None, ...] | None = None


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _Kind
    operation: str
    sub_resource: str | None = None
    name: str | None = None
    namespace: str | None = None
    user_info: _User | None = None
    object: msgspec.Raw = _NULL
    old_object: msgspec.Raw = _NULL
    dry_run: bool | None = None


class _Envelope(msgspec.Struct, rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    request: _Request | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


def parse(body: bytes) -> Review:
    """Read a request's body.

    Null is taken wherever Go writes a nil, fields that nobody asks for are passed over, and the objects are not looked
    into: their bytes are shared with the body, not copied.

    Raises:
        MalformedReviewError: To be answered with HTTP 400.
        UnreadableReviewError: To be answered as a review whose workload cannot be understood.
    """
    try:
        envelope = _DECODER.decode(body)
    except READ_FAULTS as fault:
        raise _refusal(fault, body) from None
    return _review(_request(envelope))


def find_uid(head: bytes) -> str:
    """Find the uid at the beginning of a body that is not read to its end.

    Args:
        head: The body's first bytes; more than `HEAD_BYTES` are not looked at.

    Returns:
        The uid; empty where the bytes do not begin as the API server begins an AdmissionReview: kind, apiVersion,
        request, uid (the order of the fields in k8s.io/api/admission/v1).
    """
    match = _HEAD.match(head[:HEAD_BYTES])
    return match[1].decode() if match else ""


def _refusal(fault: Exception, body: bytes) -> Exception:
    uid = find_uid(body) if isinstance(fault, RecursionError) else ""
    return UnreadableReviewError(uid) if uid else MalformedReviewError(describe(fault))


def _request(envelope: _Envelope) -> _Request:
    if envelope.api_version != API_VERSION:
        raise MalformedReviewError(f"apiVersion: expected {API_VERSION}")
    if envelope.kind != KIND:
        raise MalformedReviewError(f"kind: expected {KIND}")
    if envelope.request is None:
        raise MalformedReviewError("request: expected object")
    if not 0 < len(envelope.request.uid) <= MAX_UID_CHARACTERS:
        raise MalformedReviewError(f"request.uid: expected 1 to {MAX_UID_CHARACTERS} characters")
    return envelope.request


def _review(request: _Request) -> Review:
    user = request.user_info or _User()
    return Review(
        uid=request.uid,
        group=request.kind.group or "",
        version=request.kind.version or "",
        kind=request.kind.kind,
        subresource=request.sub_resource or "",
        name=request.name or "",
        namespace=request.namespace or "",
        operation=request.operation,
        username=user.username or "",
        groups=tuple(group or "" for group in user.groups or ()),
        object=_unless_null(request.object),
        old_object=_unless_null(request.old_object),
        dry_run=bool(request.dry_run),
    )


def _unless_null(raw: msgspec.Raw) -> msgspec.Raw | None:
    return None if raw == _NULL else raw
