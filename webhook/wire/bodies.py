"""The bodies of reviews under way, and how much of them there is room for."""

import io
from dataclasses import dataclass, field

from webhook.admission.review import HEAD_BYTES
from webhook.places import MAX_REVIEWS, TOO_MANY

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Real updates reach 18.8 MB: the objects may hold 3 MiB and 1.5 MiB, and JSON writes some bytes as six."""
MAX_KEPT_BYTES = 33 * 1024 * 1024
"""Of all bodies under way: one of the largest, or thousands of ordinary ones. Decoding one takes up to four times its
bytes for a moment, one at a time since nothing waits meanwhile. One that finds no room is
answered as one that is too large, so that nobody runs this process out of memory."""
MAX_SMALL_KEPT_BYTES = 12 * 1024 * 1024
"""What ordinary reviews find beyond that, so that large ones take no room from them."""
LARGE_BYTES = 64 * 1024
"""Ordinary reviews have some 10 KiB."""
TOO_LARGE = "the review is larger than can be read now (32 MiB at most)"


@dataclass(slots=True)
class Room:
    """What is taken at the moment, by all reviews together."""

    max_reviews: int = MAX_REVIEWS
    reviews: int = 0
    kept_bytes: int = 0


@dataclass(slots=True)
class Body:
    """A review's place, and what has arrived of its body."""

    room: Room
    head: bytes = b""
    size_bytes: int = 0
    why_unread: str = ""
    """Why it is not kept: it found no place, is larger than is read, or than there is room for now."""
    _content: io.BytesIO = field(default_factory=io.BytesIO)
    _kept_bytes: int = 0

    def __post_init__(self) -> None:
        """Take a place, if there is one."""
        if self.room.reviews >= self.room.max_reviews:
            self.why_unread = TOO_MANY
        self.room.reviews += 1

    def add(self, chunk: bytes) -> None:
        """Keep what came, unless there is no room for it."""
        self.size_bytes += len(chunk)
        self.head += chunk[: HEAD_BYTES - len(self.head)]
        if self.why_unread:
            return
        self._content.write(chunk)
        self._keep(len(chunk))
        spare_bytes = 0 if self.size_bytes > LARGE_BYTES else MAX_SMALL_KEPT_BYTES
        if self.size_bytes > MAX_BODY_BYTES or self.room.kept_bytes > MAX_KEPT_BYTES + spare_bytes:
            self.why_unread = TOO_LARGE
            self._drop()

    def take(self) -> bytes:
        """Give away what was kept; its bytes still count until `close`, since whoever has it keeps it meanwhile."""
        content = self._content.getvalue()  # shared with the buffer, not copied
        self._content.close()
        return content

    def close(self) -> None:
        """Leave the place, and keep nothing any longer."""
        self.room.reviews -= 1
        self._drop()

    def _drop(self) -> None:
        self._content.close()
        self._keep(-self._kept_bytes)

    def _keep(self, size_bytes: int) -> None:
        self._kept_bytes += size_bytes
        self.room.kept_bytes += size_bytes
