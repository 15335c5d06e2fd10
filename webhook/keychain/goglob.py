"""Globs as Go's filepath.Match matches them, as far as labels of a host can hold its syntax, in bounded time.

Of that syntax a host (Go 1.26 net/url) lets through `*` and the brackets of an IPv6 address, which the kubelet's
keyring then takes for a class of characters. Neither `?` nor a backslash nor the `^` of a negated class gets here.
"""

import re

MAX_CLASS_LABEL_BYTES = 63
"""What a pattern with a class is compared with: a label of DNS is no longer (RFC 1035 section 2.3.4).

Go has no such limit, but a secret may hold very many of these patterns, and a registry of a longer name does not exist.
"""

_MEMBER = r"[^\]\-\udc80-\udcff]"
"""Neither hyphen nor closing bracket, and no byte that is no UTF-8: there Go gives an error."""
_RANGE = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?+")
_TOKEN = re.compile(rf"\*|[^\[*]|\[(?:{_MEMBER}(?:-{_MEMBER})?+)++\]", re.DOTALL)
_TOKENS = re.compile(rf"(?:{_TOKEN.pattern})*+", re.DOTALL)


def matches(pattern: bytes, label: bytes) -> bool:
    """Say whether a pattern matches the whole of a label; a pattern that Go refuses matches nothing.

    With a class, both are compared character by character, which is Go's way as long as the label is ASCII.
    """
    if b"[" not in pattern:
        return _matches_stars(pattern, label)
    if len(label) > MAX_CLASS_LABEL_BYTES:
        return False
    return _matches_classes(pattern.decode(errors="surrogateescape"), label.decode(errors="surrogateescape"))


def _matches_stars(pattern: bytes, label: bytes) -> bool:
    """Match with `*` alone: first and last piece at the ends, each other one at the first place that it fits."""
    first, *others = pattern.split(b"*")
    if not others:
        return pattern == label
    *middle, last = others
    end = len(label) - len(last)
    if len(first) > end or not label.startswith(first) or not label.endswith(last):
        return False
    position = len(first)
    for piece in middle:
        found = label.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _matches_classes(pattern: str, label: str) -> bool:
    """Follow all ways to match at once: a bit stands for each place in the pattern that can be reached."""
    if not _TOKENS.fullmatch(pattern):
        return False
    steps: list[str] = []
    stars = 0
    for piece in _TOKEN.findall(pattern):
        if piece == "*":
            stars |= 1 << len(steps)
        else:
            steps.append(piece)
    if len(steps) > len(label):
        return False
    passable = _passable(steps, label)
    reached = 1
    for character in label:
        reached = (reached & passable[character]) << 1 | reached & stars
    return reached >> len(steps) == 1


def _passable(steps: list[str], label: str) -> dict[str, int]:
    """Give for each character of the label the places in the pattern that it can pass."""
    passable = dict.fromkeys(label, 0)
    for place, step in enumerate(steps):
        ranges = [(step, step)] if len(step) == 1 else _RANGE.findall(step[1:-1])
        for low, high in ranges:
            for character in passable:
                if low <= character <= (high or low):
                    passable[character] |= 1 << place
    return passable
