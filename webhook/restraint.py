"""Lines of the log that a stranger could have written as often as there is time: one at a time, the others counted."""

LINE_SECONDS = 1.0
"""Between two such lines; an attack is seen by the first, and its size by the count in the next."""


class Restraint:
    """Lets one through for each `LINE_SECONDS`."""

    def __init__(self) -> None:
        self._next_at = float("-inf")
        self._held_back = 0

    def admit(self, now: float) -> int | None:
        """Say whether a line may be written now.

        Args:
            now: Seconds of any clock that does not go back.

        Returns:
            How many were held back since the last one that was not; None: this one is held back too.
        """
        if now < self._next_at:
            self._held_back += 1
            return None
        held_back, self._held_back = self._held_back, 0
        self._next_at = now + LINE_SECONDS
        return held_back
