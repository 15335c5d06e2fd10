"""How memory is kept and given back, by the C library's allocator and by Python's garbage collector."""

import contextlib
import ctypes
import gc

MAX_HEAP_BLOCK_BYTES = 320 * 1024
"""glibc begins with 128 KiB and raises it, up to 32 MiB, with every larger block that is freed. From then on large
bodies lie in the heap among small objects, which keep their room from being given back. Each read of TLS takes a block
of 256 KiB for a moment: were that asked of the system every time, a body of 7 MiB would cost twice the computing."""
COLLECT_AT = 25_000
"""Objects that are there beyond those of the last time; Python's own 700 are there with every few connections."""
_M_MMAP_THRESHOLD = -3
"""Of malloc.h; setting it keeps it where it is."""


def give_back_large_blocks() -> None:
    """Have every large block of memory go back to the system as soon as it is freed, as musl's allocator does."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAX_HEAP_BLOCK_BYTES)


def collect_seldom() -> None:
    """Have the garbage collector leave alone what there is by now, and come by where much that is new stays.

    Modules, types and settings are there to the end, and looking through all of them takes a tenth of a second in which
    no review is answered. What is done with is freed without it, unless it knows itself in a circle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AT)
