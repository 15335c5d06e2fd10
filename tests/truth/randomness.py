"""Small choices, so that a case reads as what it may hold. All take a `random.Random`, Hypothesis's own included.

Whatever is rare lies at the high end of a draw: where Hypothesis shrinks draws to zero, cases become plain.
"""

from collections.abc import Sequence
from random import Random

UNUSUAL = (
    *"aAzZ09_.-/:@%*?[]{}()<>\\^~#&=+,;!$'\"` |\t\n\r\x00\x1c\x7f",
    *"\x85\xa0\xadß\u0130\u0131\u017f\u212a\u03a3\u1e9e\u01c5\u2003\u2028\ufeff\ufffd\U0001f600",
    *("..", "__", "--", "//", "::", "%2f", "%25", "%c3%a9", "%zz", "%e2%82", "[::1]"),
)
"""What stands at the edges of one of the grammars, among them letters whose lower case or folding is ASCII."""


def chance(random: Random, share: float) -> bool:
    """Say yes in this share of all calls."""
    return random.random() > 1 - share


def pick(random: Random, options: Sequence[str]) -> str:
    """Give one of them."""
    return options[int(random.random() * len(options))]


def weighted(random: Random, options: Sequence[tuple[float, str]]) -> str:
    """Give one of them, each with its share; the first has what the shares leave of 1."""
    left = 1 - random.random()
    for share, option in options[1:]:
        left -= share
        if left < 0:
            return option
    return options[0][1]


def count(random: Random, most: int) -> int:
    """Give a number from 0, small ones more often."""
    return int(random.random() * random.random() * (most + 1))


def spoil(random: Random, text: str) -> str:
    """Change a text at one place: take away, double, swap, change the case, or put in something unusual."""
    at = int(random.random() * (len(text) + 1))
    kind = int(random.random() * 6)
    if kind == 0:
        return text[:at] + pick(random, UNUSUAL) + text[at:]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at : at + 1] * 2 + text[at + 1 :]
    if kind == 3:
        return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    if kind == 4:
        return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
    return text[:at] + pick(random, UNUSUAL) + text[at + 1 :]
