"""How long each part of a review takes."""

from time import perf_counter


class Stopwatch:
    """Notes, one after the other, what the time since the note before was spent on."""

    def __init__(self) -> None:
        self._at = perf_counter()  # the loop's own clock moves in whole milliseconds
        self.noted: dict[str, float] = {}
        """Seconds by name."""

    def note(self, name: str) -> None:
        """Say what was done until now."""
        now = perf_counter()
        self.noted[name] = now - self._at
        self._at = now
