"""Base64 as Go's encoding/base64 decodes it: newlines are skipped anywhere, trailing bits may be anything."""

import binascii
import string
from dataclasses import dataclass

_NEWLINES = b"\r\n"
_BODY = string.ascii_letters.encode() + string.digits.encode() + b"+/" + _NEWLINES
_QUANTUM = 4


@dataclass(frozen=True, slots=True)
class MalformedBase64:
    """Where Go stops decoding."""

    offset: int
    """The byte that Go names, counted from 0; it may be the one before or after the culprit."""

    @property
    def go_error(self) -> str:
        """Go's own words."""
        return f"illegal base64 data at input byte {self.offset}"


def decode(text: bytes, *, is_padded: bool) -> bytes | MalformedBase64:
    """Decode the standard alphabet.

    Args:
        text: What is to be decoded.
        is_padded: Whether "=" must fill the last quantum up (StdEncoding) or must not occur (RawStdEncoding).
    """
    end = len(text) - len(text.lstrip(_BODY))
    sextets = text[:end].translate(None, _NEWLINES)
    offset = _padding_fault(text, end, len(sextets) % _QUANTUM, is_padded=is_padded)
    if offset is not None:
        return MalformedBase64(offset)
    return binascii.a2b_base64(sextets + b"=" * (-len(sextets) % _QUANTUM))


def _padding_fault(text: bytes, end: int, last_quantum: int, *, is_padded: bool) -> int | None:
    """Judge what follows the body (base64.go decodeQuantum): the offset of the fault, None when there is none."""
    if end == len(text):
        is_whole = not last_quantum or (last_quantum > 1 and not is_padded)
        return None if is_whole else end - last_quantum
    if not is_padded or text[end : end + 1] != b"=" or last_quantum <= 1:
        return end
    end += 1
    if last_quantum == 2:
        end = _skip_newlines(text, end)
        if text[end : end + 1] != b"=":
            return end if end == len(text) else end - 1
        end += 1
    end = _skip_newlines(text, end)
    return None if end == len(text) else end


def _skip_newlines(text: bytes, start: int) -> int:
    return len(text) - len(text[start:].lstrip(_NEWLINES))
