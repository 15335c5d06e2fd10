"""What is wrong with a setting, in one line that names key and value and hides secrets."""

import difflib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_VALUE_CHARACTERS = 60
"""Of a value in a message: enough to recognise it, short enough for one line of a terminal."""
MASK = "…"
_SECRET_KEYS = frozenset({"tls.key", "nodes.docker_config"})
"""Both name files, and both invite somebody to paste the file's content."""
_SECRET_VALUE = re.compile(
    r"""-----BEGIN | ://[^/]*@ | \beyJ[\w-]{8} | "auth | password | passwd | secret | token | bearer | basic\s
      | ^[\w+/=-]{32,}$""",
    re.IGNORECASE | re.VERBOSE,
)
"""PEM, a URL with a login, a JSON web token, a docker config, words that announce a secret, a long random text."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class SettingsError(Exception):
    """A setting that stops the start; its text is one line, `settings: KEY=VALUE: expected …`, without a secret."""


def clean(text: str) -> str:
    """Replace what is not printable, so that a value cannot write to the terminal or break the line."""
    return "".join(
        MASK if unicodedata.category(character)[0] in "CZ" and character != " " else character for character in text
    )


def wrong_value(key: str, value: object, expected: str) -> SettingsError:
    """Say that a key has a wrong value.

    Args:
        key: Dotted, as in the YAML file: `network.loopback`.
        value: What was given; shown at most MAX_VALUE_CHARACTERS long, or masked.
        expected: What would be right, without the word "expected".
    """
    return SettingsError(f"settings: {clean(key)}={_shown(key, value)}: expected {clean(expected)}")


def wrong_file(path: object, reason: str, line: int | None = None) -> SettingsError:
    """Say that the settings file cannot be used; quoted parts of the reason, which may hold content, are masked."""
    where = f"line {line}: " if line is not None else ""
    return SettingsError(clean(f"settings: {path}: {where}{_QUOTED.sub(MASK, reason)}"))


def explain(error: ValidationError, known_keys: Iterable[str]) -> SettingsError:
    """Turn pydantic's findings into one line: the first in the order of the settings, and how many there are besides.

    Args:
        error: What the validation found.
        known_keys: Every dotted key, from which a misspelt one gets its suggestion.
    """
    details = error.errors(include_url=False)
    first = details[0]
    key = _dotted(first["loc"])
    if first["type"] == "extra_forbidden":
        fault = wrong_value(key, MASK, _suggestion(key, known_keys))
    else:
        fault = wrong_value(key, "" if first["type"] == "missing" else first["input"], _expectation(first))
    return SettingsError(f"{fault} (and {len(details) - 1} more)") if len(details) > 1 else fault


def _shown(key: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if key in _SECRET_KEYS or _SECRET_VALUE.search(text):
        return MASK
    return clean(text if len(text) <= MAX_VALUE_CHARACTERS else text[: MAX_VALUE_CHARACTERS - 1] + "…")


def _dotted(location: tuple[int | str, ...]) -> str:
    """Write a location as YAML users do: `workloads[0].kind`; pydantic marks a map's own key by a last `[key]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if part != "[key]")
    return "".join(parts).removeprefix(".")


def _suggestion(key: str, known_keys: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known_keys), n=1)
    return f"a known key (did you mean {close[0]}?)" if close else "a known key"


def _expectation(detail: "ErrorDetails") -> str:
    return _EXPECTATIONS.get(detail["type"], _anything)(detail.get("ctx", {}))


def _anything(_: Mapping[str, object]) -> str:
    return "a valid value"


def _choice(context: Mapping[str, object]) -> str:
    return str(context["expected"]).replace("'", "")


_EXPECTATIONS: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "expected": lambda context: str(context["form"]),
    "literal_error": _choice,
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "int_type": lambda _: "a whole number",
    "int_parsing": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "greater_than_equal": lambda context: f"at least {context['ge']}",
    "less_than_equal": lambda context: f"at most {context['le']}",
    "tuple_type": lambda _: 'a list, such as ["a", "b"]',
    "dict_type": lambda _: "a map",
    "model_type": lambda _: "a map",
    "missing": lambda _: "a value",
}
"""pydantic's error types that the settings' forms can raise, in words; `expected` is the forms' own."""
