"""JSON as Go's encoding/json (version 1) reads it, which is how the kubelet and containerd read what others write.

Python's reader takes what Go refuses (NaN), refuses what Go takes (bytes that are no UTF-8), and keeps of a repeated
name only the last value. Here objects keep every pair, numbers stay text, and what is no JSON gets Go's own words
(scanner.go, decode.go). Nothing recurses: what is open stands on a stack of our own.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from webhook.keychain.goscanner import Scanner, SyntaxFaultError

MAX_DEPTH = 10_000
"""maxNestingDepth of scanner.go."""

_WORDS = MappingProxyType({b"true": True, b"false": False, b"null": None})
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL
)
_CONTROL_ESCAPES = MappingProxyType({"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written; nobody has tried to hold it."""

    text: str


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values; its repr hides them, they may be secret."""

    values: tuple["Value", ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Object:
    """Names and values in their order, repeated names included, each name as it is written; its repr hides them."""

    pairs: tuple[tuple[str, "Value"], ...] = field(repr=False)

    def all_values(self, name: str) -> Iterator["Value"]:
        """Give every value that Go would store into the struct field of this ASCII name, in order."""
        return (value for written, value in self.pairs if is_same_name(written, name))


Value = str | bool | None | Number | Array | Object
_KINDS: Mapping[type, str] = MappingProxyType(
    {type(None): "null", bool: "bool", str: "string", Number: "number", Array: "array", Object: "object"}
)


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """Why Go takes a text for no JSON, in its own words, which show one byte of the text at most."""

    reason: str


@dataclass(frozen=True, slots=True)
class WrongType:
    """A value that Go cannot store where it belongs."""

    name: str
    """The field's name, as the struct has it."""
    found: str
    """What stands there, in Go's words: `number`, `string`, `bool`, `array` or `object`."""


def parse(text: bytes) -> Value | MalformedJson:
    """Parse a text that is one JSON value.

    Bytes that are no UTF-8 become U+FFFD one by one, and so do lone surrogates. A value nested deeper than `MAX_DEPTH`
    is malformed.
    """
    try:
        return _Parser(text).parse()
    except SyntaxFaultError as fault:
        return MalformedJson(str(fault))


def read_texts(value: Object, names: Collection[str]) -> dict[str, str] | WrongType:
    """Read an object's string fields as Go reads them into a struct.

    The last value of a field wins, but null leaves what was there; other names are ignored.

    Args:
        value: The object.
        names: The fields' ASCII names.

    Returns:
        A text for every name, empty where there is none; or the first value that is no text.
    """
    texts = dict.fromkeys(names, "")
    for written, found in value.pairs:
        name = next((name for name in names if is_same_name(written, name)), None)
        if name is None or found is None:
            continue
        if not isinstance(found, str):
            return WrongType(name, kind_of(found))
        texts[name] = found
    return texts


def is_same_name(written: str, name: str) -> bool:
    """Say whether Go takes a name for that of a struct field: equal, or equal under Unicode simple folding.

    Args:
        written: The name in the text.
        name: The field's name, ASCII: of other characters only the long s and the Kelvin sign fold to ASCII letters.
    """
    return written == name or written.lower().replace("\u017f", "s") == name.lower()


def decode_utf8(text: bytes) -> str:
    """Decode as Go shows a string: each byte that is no UTF-8 becomes U+FFFD, also where several belong together."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _SURROGATE.sub("\ufffd", text.decode(errors="surrogateescape"))


def kind_of(value: Value) -> str:
    """Name a value's kind as Go's errors do."""
    return _KINDS[type(value)]


@dataclass(slots=True)
class _Opened:
    """An array or object whose end has not come yet."""

    is_object: bool
    values: list[Value]
    names: list[str]

    @property
    def end(self) -> bytes:
        return b"}" if self.is_object else b"]"

    def close(self) -> Value:
        if self.is_object:
            return Object(tuple(zip(self.names, self.values, strict=True)))
        return Array(tuple(self.values))


class _Parser:
    """Reads one value."""

    def __init__(self, text: bytes) -> None:
        self._scanner = Scanner(text)
        self._opened: list[_Opened] = []

    def parse(self) -> Value:
        value = self._finish(self._begin())
        while self._opened:
            value = self._finish(self._begin())
        if self._scanner.peek():
            raise self._scanner.fault("after top-level value")
        return value

    def _begin(self) -> Value:
        """Read up to the end of the next literal or empty array or object, opening what stands before it."""
        while (opening := self._scanner.peek()) in {b"{", b"["}:
            if len(self._opened) == MAX_DEPTH:
                raise self._scanner.fault("exceeded max depth")
            self._scanner.take(opening)
            opened = _Opened(opening == b"{", [], [])
            if self._scanner.take(opened.end):
                return opened.close()
            self._opened.append(opened)
            self._read_name()
        return _read_literal(self._scanner.literal())

    def _finish(self, value: Value) -> Value:
        """Put a value where it belongs and close what ends after it, up to where another value must follow."""
        while self._opened:
            opened = self._opened[-1]
            opened.values.append(value)
            if self._scanner.take(b","):
                self._read_name()
                return value
            if not self._scanner.take(opened.end):
                place = "after object key:value pair" if opened.is_object else "after array element"
                raise self._scanner.fault(place)
            value = self._opened.pop().close()
        return value

    def _read_name(self) -> None:
        """Read the name of the next value, where it stands in an object."""
        opened = self._opened[-1]
        if not opened.is_object:
            return
        if self._scanner.peek() != b'"':
            raise self._scanner.fault("looking for beginning of object key string")
        opened.names.append(_unquote(self._scanner.literal()))
        if not self._scanner.take(b":"):
            raise self._scanner.fault("after object key")


def _read_literal(literal: bytes) -> Value:
    if literal.startswith(b'"'):
        return _unquote(literal)
    return _WORDS[literal] if literal in _WORDS else Number(literal.decode())


def _unquote(literal: bytes) -> str:
    """Decode a sound string literal (decode.go unquoteBytes)."""
    text = decode_utf8(literal[1:-1])
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(escape: re.Match[str]) -> str:
    high, low, code, character = escape.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if code:
        return _SURROGATE.sub("\ufffd", chr(int(code, 16)))
    return _CONTROL_ESCAPES.get(character, character)
