"""Random pieces of JSON, sound ones and rarely broken ones, as bytes: what they hold need not be text."""

import json
from random import Random

from tests.truth.randomness import chance

_SOUND_ESCAPES = (
    *rb"\ud800 \udc00\ud83d \ud83d\ude00 \ud83d\u0041 \uD83D\uDE00 \ud83d\ud83d\ude00 \/ \u0000".split(),
    *rb"\b\f\n\r\t \\ \"".split(),
    *b"\xff \xed\xa0\x80 \xe2\x82 \xf0\x9f\x98\x80 \xc0\x80 \x7f".split(),
)
_STRAY_ESCAPES = (*_SOUND_ESCAPES, *rb"\x \u12g4 \u12 \ \' \U0041".split(), b"\x01", b"\t")
"""What may stand in a string, and what breaks it."""
_VALUES = (
    *b'null true false 0 -0 1.5 1e5 1E+5 -1.0e-5 1e999 123456789012345678901234567890 "text" [] {}'.split(),
    *(b"[1,[2,{}]]", b'{"a":{"b":[null]}}', b"[ ]", b"{ }", b'[{"auth":1}]'),
)
_BROKEN_VALUES = (
    *b"01 1. .5 - +1 1e 1e+ -a 1.e5 0x1 NaN Infinity -Infinity tru nul nulll True 'a' [1,] [,] [ { }".split(),
    *(b"{a:1}", b"/**/1", b'{"a"}', b'{"a":1,}', b'"open', b""),
)
_SPACES = (b"", b" ", b"\n", b"\t", b"\r\n ", b"  ")
_BROKEN_SPACES = (b"\xef\xbb\xbf", b"\x00", b"\x0b", b"\xc2\xa0", b",", b"]", b"}", b"null", b"x")
_MAX_DEPTH = 10_000


def draw_value(random: Random) -> bytes:
    """Draw some value of JSON, rarely a broken one or one about as deep as Go goes."""
    if chance(random, 0.003):
        depth = _MAX_DEPTH - 4 + int(random.random() * 6)
        return b"[" * depth + b"]" * depth
    return pick_bytes(random, _VALUES if not chance(random, 0.05) else _BROKEN_VALUES)


def quote(random: Random, text: str) -> bytes:
    """Write a string, sometimes with escapes or with what is no text."""
    quoted = json.dumps(text, ensure_ascii=chance(random, 0.3)).encode(errors="surrogatepass")
    if text and chance(random, 0.04):
        at = int(random.random() * len(text))
        quoted = quoted.replace(text[at].encode(), b"\\u%04x" % (ord(text[at]) & 0xFFFF), 1)
    if chance(random, 0.01):
        codes = [0xD800 + int(random.random() * 0x800) if chance(random, 0.8) else 0x41 for _ in range(3)]
        quoted = quoted[:-1] + b"".join(b"\\u%04x" % code for code in codes) + b'"'
    if chance(random, 0.015):
        at = 1 + int(random.random() * (len(quoted) - 1))
        quoted = (
            quoted[:at]
            + pick_bytes(random, _SOUND_ESCAPES if not chance(random, 0.1) else _STRAY_ESCAPES)
            + quoted[at:]
        )
    return quoted


def draw_space(random: Random) -> bytes:
    """Draw what may stand between tokens; mostly nothing."""
    if chance(random, 0.001):
        return pick_bytes(random, _BROKEN_SPACES)
    return pick_bytes(random, _SPACES) if chance(random, 0.2) else b""


def pick_bytes(random: Random, options: tuple[bytes, ...]) -> bytes:
    """Give one of them."""
    return options[int(random.random() * len(options))]
