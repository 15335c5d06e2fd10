"""What is wrong with a document that cannot be read, in one line that holds none of its values."""

import msgspec

READ_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on a stranger's bytes; nesting deeper than the interpreter allows is a RecursionError."""


def describe(fault: Exception) -> str:
    """Say where a document is wrong and what was expected there.

    Args:
        fault: One of `READ_FAULTS`. The structs of this package hold no enumerations or tags, so msgspec's texts name
            types and positions, never a value.
    """
    match fault:
        case RecursionError():
            return "document: nested too deeply"
        case UnicodeDecodeError():
            return "document: expected UTF-8"
        case msgspec.ValidationError():
            return _with_path_first(str(fault))
        case _:
            return f"document: expected JSON: {_uncapitalised(str(fault).removeprefix('JSON is malformed: '))}"


def _with_path_first(text: str) -> str:
    expectation, _, path = text.replace("`", "").replace(" | ", " or ").partition(" - at $")
    return f"{path.removeprefix('.') or 'document'}: {_uncapitalised(expectation)}"


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
