"""Makes a case smaller while something stays true of it: whole secrets go first, then pieces of texts and bodies."""

import base64
import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Case = dict[str, Any]
Text = TypeVar("Text", str, bytes)


def shrink(case: Case, is_wanted: Callable[[Case], bool]) -> Case:
    """Give a smaller case.

    Args:
        case: One of which `is_wanted` says yes.
        is_wanted: Says whether what one is after still shows.
    """
    while True:
        smaller = next((candidate for candidate in _smaller(case) if is_wanted(candidate)), None)
        if smaller is None:
            return case
        case = smaller


def _smaller(case: Case) -> Iterator[Case]:
    """Give cases that lack something of this one."""
    secrets = case.get("secrets", ())
    for index in range(len(secrets)):
        yield case | {"secrets": [*secrets[:index], *secrets[index + 1 :]]}
    for index, secret in enumerate(secrets):
        for key, body in secret["data"].items():
            for text in _without_piece(base64.b64decode(body)):
                candidate = copy.deepcopy(case)
                candidate["secrets"][index]["data"][key] = base64.b64encode(text).decode()
                yield candidate
    for name in ("image", "pattern"):
        for text in _without_piece(case.get(name, "")):
            yield case | {name: text}
    for text in _without_piece(base64.b64decode(case.get("body", ""))):
        yield case | {"body": base64.b64encode(text).decode()}


def _without_piece(text: Text) -> Iterator[Text]:
    """Leave out a piece: half of the text first, a single character last."""
    size = len(text) // 2 or len(text)
    while size:
        for start in range(0, len(text), size):
            yield text[:start] + text[start + size :]
        size //= 2
