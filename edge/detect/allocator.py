"""Tells the C library's allocator to keep freed memory for the next frame."""

from __future__ import annotations

import numpy as np

KEPT_BYTES = 30 << 20
"""Just below the 32 MB up to which glibc raises its threshold by itself (DEFAULT_MMAP_THRESHOLD_MAX, mallopt(3))."""


def keep_freed_memory() -> None:
    """Makes glibc keep blocks of up to 30 MB that are freed; elsewhere it does nothing of note.

    glibc gives large freed blocks back to the system at once, and every page of the next one costs a page fault, until
    a block of up to 32 MB was freed once: from then on it keeps blocks of that size (the dynamic threshold of
    mallopt(3)). This block is never touched, so it takes no memory. Without it, `detect` has 1,356 page faults a call
    at 4 megapixels, with it none (docs/decisions/0018).
    """
    np.empty(KEPT_BYTES, np.uint8)
