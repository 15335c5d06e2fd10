"""The answer that the API server gets: clean text within limits, so that nothing of it is cut or dropped on its way."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import msgspec

from webhook.admission.review import API_VERSION, KIND

MAX_POD_MESSAGE_BYTES = 900
"""A pod's denial is copied into events, whose note holds 1,024 bytes (events.k8s.io), and into conditions."""
MAX_MESSAGE_BYTES = 2048
"""Two screenfuls of a terminal; the API server itself sets no limit."""
MAX_WARNING_CHARACTERS = 256
"""What one warning is cut to once all together exceed the next limit (endpoints/filters/warning.go)."""
MAX_WARNINGS_CHARACTERS = 4096
"""Beyond this sum the API server cuts every warning, then drops the last ones (the same file)."""
MAX_IMAGES_BYTES = 8 * 1024
"""Of the audit annotation `images`; an audit event is one line of a log that other tools read."""
_REPLACEMENTS = {"Cc": " ", "Cf": "", "Cs": "\N{REPLACEMENT CHARACTER}", "Zl": " ", "Zp": " "}


class AuditedImage(msgspec.Struct, frozen=True):
    """One image use in the audit annotation `images`."""

    field: str
    resolution: str
    digest: str | None = None


def clean(text: str, *, allow_newlines: bool = False) -> str:
    """Make text harmless on a terminal and acceptable to the API server.

    Control characters and the two Unicode line separators become spaces, format characters (among them those that
    turn the direction of writing) go, lone surrogates become U+FFFD.

    Args:
        text: Somebody's text, of any length.
        allow_newlines: Whether newlines stay; everywhere else a line is all that a reader expects.
    """
    if text.isprintable():
        return text
    kept = "\n" if allow_newlines else ""
    return "".join(
        character if character in kept else _REPLACEMENTS.get(unicodedata.category(character), character)
        for character in text
    )


def bound_message(lines: Sequence[str], limit_bytes: int) -> str:
    """Join what a denial has to say, cleaned, within a limit.

    Args:
        lines: One line each, the most important first. The first is always there, cut if it must be.
        limit_bytes: `MAX_POD_MESSAGE_BYTES` or `MAX_MESSAGE_BYTES`.

    Returns:
        The lines joined by newlines; the last one counts those that did not fit ("and 7 more").
    """
    kept = _cleaned(lines)
    if _size("\n".join(kept)) <= limit_bytes:
        return "\n".join(kept)
    others = len(kept) - 1
    kept[0] = _cut_bytes(kept[0], limit_bytes - (_size_with_separator(_and_more(others)) if others else 0))
    return "\n".join(_bound(kept, limit_bytes + 1, _size_with_separator, _and_more))


def bound_warnings(warnings: Sequence[str], *, subject: str = "") -> tuple[str, ...]:
    """Bound what `kubectl` will print as warnings, so that the API server's own limits never strike.

    Args:
        warnings: One line each, the most important first, each beginning with its workload.
        subject: The workload, with which the last warning begins that counts those that did not fit: `kubectl` prints
            equal texts once.

    Returns:
        The warnings, cleaned, cut to `MAX_WARNING_CHARACTERS`, equal ones once, `MAX_WARNINGS_CHARACTERS` in all.
    """
    unique = list(dict.fromkeys(_cut(line, MAX_WARNING_CHARACTERS) for line in _cleaned(warnings)))
    beginning = f"{_cut(clean(subject), MAX_WARNING_CHARACTERS // 2)}: " if subject else ""
    return tuple(_bound(unique, MAX_WARNINGS_CHARACTERS, len, lambda rest: f"{beginning}{_and_more(rest)}"))


def bound_images(images: Sequence[AuditedImage]) -> str:
    """Write the audit annotation `images`.

    Returns:
        A JSON list within `MAX_IMAGES_BYTES`. Where it does not hold all, its last entry is `{"more": 7}`.
    """
    entries = [msgspec.json.encode(_cleaned_image(image)).decode() for image in images]
    # The two brackets cost one byte more than the comma that the first entry lacks.
    bounded = _bound(entries, MAX_IMAGES_BYTES - 1, _size_with_separator, lambda rest: f'{{"more":{rest}}}')
    return f"[{','.join(bounded)}]"


def render(
    uid: str, *, allowed: bool, message: str = "", warnings: Sequence[str] = (), audit_annotations: Mapping[str, str]
) -> bytes:
    """Write the AdmissionReview that answers a request.

    A denial is `403 Forbidden`: under that reason `kubectl` shows the message whole, under others it advises, retries
    or drops the message.

    Args:
        uid: The request's.
        allowed: The decision.
        message: Of a denial, within `bound_message`; the API server passes over an allowed one's.
        warnings: Within `bound_warnings`.
        audit_annotations: By names that are ASCII letters, digits, `-`, `_` and `.`; others the API server drops.
    """
    response: dict[str, object] = {"uid": uid, "allowed": allowed}
    if not allowed:
        response["status"] = {"code": 403, "reason": "Forbidden", "message": clean(message, allow_newlines=True)}
    if warnings:
        response["warnings"] = [clean(warning) for warning in warnings]
    response["auditAnnotations"] = {key: clean(value) for key, value in audit_annotations.items()}
    return msgspec.json.encode({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _cleaned_image(image: AuditedImage) -> AuditedImage:
    digest = None if image.digest is None else clean(image.digest)
    return AuditedImage(field=clean(image.field), resolution=clean(image.resolution), digest=digest)


def _cleaned(lines: Sequence[str]) -> list[str]:
    return [line for line in (clean(line).strip() for line in lines) if line]


def _bound(items: Sequence[str], limit: int, size: Callable[[str], int], note: Callable[[int], str]) -> list[str]:
    """Take the leading items that fit together with a note about how many are left, if any are."""
    count = 0
    for taken, used in enumerate(accumulate(map(size, items)), start=1):
        rest = len(items) - taken
        if used + (size(note(rest)) if rest else 0) <= limit:
            count = taken
    rest = len(items) - count
    return [*items[:count], *([note(rest)] if rest else [])]


def _and_more(rest: int) -> str:
    return f"and {rest} more"


def _size(text: str) -> int:
    return len(text.encode())


def _size_with_separator(text: str) -> int:
    return _size(text) + 1


def _cut(text: str, limit_characters: int) -> str:
    return text if len(text) <= limit_characters else f"{text[: limit_characters - 1]}…"


def _cut_bytes(text: str, limit_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return f"{encoded[: limit_bytes - _size('…')].decode(errors='ignore')}…"
