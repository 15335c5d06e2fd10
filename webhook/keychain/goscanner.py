"""The tokens of JSON as Go's encoding/json finds them, and its words where there is none (scanner.go).

Every expression is possessive, so that hostile texts take linear time.
"""

import re
from types import MappingProxyType

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING_BODY = rb'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+'
_INTEGER = rb"-?(?:0|[1-9][0-9]*+)"
_FRACTION = rb"(?:\.[0-9]++|(?!\.))"
_EXPONENT = rb"(?:[eE][+-]?+[0-9]++|(?![eE]))"
_WORDS = (b"true", b"false", b"null")
_LITERAL = re.compile(b"|".join((_STRING_BODY + b'"', _INTEGER + _FRACTION + _EXPONENT, *_WORDS)))

_IN_STRING = "in string literal"
_NO_VALUE = "looking for beginning of value"
_SOUND_BEGINNINGS = (
    (re.compile(_STRING_BODY + rb"\\u[0-9A-Fa-f]{0,3}+"), "in \\u hexadecimal character escape"),
    (re.compile(_STRING_BODY + rb"\\"), "in string escape code"),
    (re.compile(_STRING_BODY), _IN_STRING),
    (re.compile(_INTEGER + rb"(?:\.[0-9]++)?+[eE][+-]?+"), "in exponent of numeric literal"),
    (re.compile(_INTEGER + rb"\."), "after decimal point in numeric literal"),
    (re.compile(rb"-"), "in numeric literal"),
    *(
        (re.compile(word[:length]), f"in literal {word.decode()} (expecting {chr(word[length])!r})")
        for word in _WORDS
        for length in range(len(word) - 1, 0, -1)
    ),
    (re.compile(rb""), _NO_VALUE),
)
"""How far a broken literal can be sound, the longest first, and what the scanner says of the byte that follows."""

_QUOTED_BYTES = MappingProxyType(
    {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 39: r"\'", 92: r"\\"}
)


class SyntaxFaultError(Exception):
    """The text is no JSON; says why in Go's words."""


class Scanner:
    """Steps through a text token by token; white space before a token counts for nothing."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._position = 0

    def peek(self) -> bytes:
        """Give the next token's first byte; empty at the end."""
        self._position = self._end_of(_SPACE) or self._position
        return self._text[self._position : self._position + 1]

    def take(self, wanted: bytes) -> bool:
        """Step over the next byte, if it is the wanted one; say whether it was."""
        is_next = self.peek() == wanted
        self._position += is_next
        return is_next

    def literal(self) -> bytes:
        """Step over a string, number or word and give it as written; `peek` comes before.

        Raises:
            SyntaxFaultError: None stands there, or a broken one.
        """
        start = self._position
        end = self._end_of(_LITERAL)
        if end is None:
            raise self._literal_fault()
        self._position = end
        return self._text[start:end]

    def fault(self, context: str, at_end: bytes = b"") -> SyntaxFaultError:
        """Say that the byte here cannot stand where it does.

        Args:
            context: Where it stands, in the scanner's words.
            at_end: The byte that the scanner complains of at the text's end; empty: of the end itself.
        """
        found = self._text[self._position : self._position + 1] or at_end
        if not found:
            return SyntaxFaultError("unexpected end of JSON input")
        return SyntaxFaultError(f"invalid character {_quote(found[0])} {context}")

    def _literal_fault(self) -> SyntaxFaultError:
        """Say what is wrong with a literal; what is cut off, the scanner's eof completes with a space, and fails."""
        ends = ((self._end_of(beginning), context) for beginning, context in _SOUND_BEGINNINGS)
        self._position, context = next((end, context) for end, context in ends if end is not None)
        return self.fault(context, b"" if context in {_IN_STRING, _NO_VALUE} else b" ")

    def _end_of(self, expression: re.Pattern[bytes]) -> int | None:
        match = expression.match(self._text, self._position)
        return match.end() if match else None


def _quote(byte: int) -> str:
    """Quote a byte as the scanner does (quoteChar): it takes it for a character of Latin-1."""
    character = chr(byte)
    if not character.isprintable() and byte not in _QUOTED_BYTES:
        return f"'\\x{byte:02x}'" if byte < 0x80 else f"'\\u{byte:04x}'"
    return f"'{_QUOTED_BYTES.get(byte, character)}'"
