"""Lets the allocator keep the memory that is freed, so that a repeated call finds its pages again."""

from __future__ import annotations

import ctypes
from typing import Final

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt (glibc, malloc.h)."""

MOST_KEPT_BYTES: Final = 2**31 - 1
LARGEST_KEPT_BYTES: Final = 2**25
"""The highest threshold that glibc takes on 64 bit, and the one that it comes to by itself in a program that
frees large tensors: more than that is new memory each time, whose pages cost a fault each."""


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds in this process; False where there is no glibc.

    Without it a call of nn.LSTM that frees its packed weights takes 1 or 5 ms, as the heap happens to lie.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST_KEPT_BYTES)) and bool(
        mallopt(TRIM_THRESHOLD, MOST_KEPT_BYTES)
    )
