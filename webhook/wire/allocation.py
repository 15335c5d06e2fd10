"""How the C library's allocator deals with large blocks of memory."""

import contextlib
import ctypes

MAX_HEAP_BLOCK_BYTES = 128 * 1024
"""glibc begins with this and raises it, up to 32 MiB, with every larger block that is freed. From then on large bodies
lie in the heap among small objects, which keep their room from being given back."""
_M_MMAP_THRESHOLD = -3
"""Of malloc.h; setting it keeps it where it is."""


def give_back_large_blocks() -> None:
    """Have every large block of memory go back to the system as soon as it is freed, as musl's allocator does."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAX_HEAP_BLOCK_BYTES)
