"""Real admission reviews, and what must be read out of each."""

from pathlib import Path

from tests.captures.expected import EXPECTED, Expected

__all__ = ["EXPECTED", "Expected", "read"]


def read(name: str) -> bytes:
    """The body of a capture, by its file name without `.json`."""
    return (Path(__file__).parent / f"{name}.json").read_bytes()
