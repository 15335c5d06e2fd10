"""Lines for a person's terminal; colours only where somebody looks on and has not declined them (no-color.org)."""

import os
from dataclasses import dataclass
from typing import TextIO

_BOLD, _DIM, _RED, _GREEN, _WARNING, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33;1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Prints at once, so that progress is seen."""

    stream: TextIO
    has_colours: bool

    @staticmethod
    def on(stream: TextIO) -> "Terminal":
        declined = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        return Terminal(stream, stream.isatty() and not declined)

    def title(self, text: str) -> None:
        self._print(_BOLD, text)

    def note(self, text: str) -> None:
        self._print(_DIM, text)

    def command(self, text: str) -> None:
        self._print("", f"$ {text}")

    def plain(self, text: str = "") -> None:
        self._print("", text)

    def warning(self, text: str) -> None:
        """As kubectl prints a warning: the prefix is yellow and bold."""
        prefix = f"{_WARNING}Warning:{_PLAIN}" if self.has_colours else "Warning:"
        self._print("", f"{prefix} {text}")

    def good(self, text: str) -> None:
        self._print(_GREEN, text)

    def bad(self, text: str) -> None:
        self._print(_RED, text)

    def _print(self, colour: str, text: str) -> None:
        print(f"{colour}{text}{_PLAIN}" if colour and self.has_colours else text, file=self.stream, flush=True)
