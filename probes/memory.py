"""Memory: huge pages for large tables that are read here and there, and what is freed kept for what comes next."""

from __future__ import annotations

import ctypes
import math
import mmap
from contextlib import suppress
from typing import Any

import numpy as np

HUGE_PAGE = 1 << 21  # bytes, on x86-64 and most others
CACHE_LINE = 64
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
MOST_KEPT = 1 << 26  # bytes of freed memory, some times what a batch and its columns take
SET_APART = 1 << 24  # bytes from which on an array is mapped by itself and given back; a batch is less

Shape = int | tuple[int, ...]


def zeroed(shape: Shape, dtype: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401 - whatever NumPy takes
    """Return a zeroed array of a shape and dtype that begins with a cache line; what nobody writes to costs nothing.

    From a huge page on it lies in huge pages (madvise(2), MADV_HUGEPAGE): a processor remembers where some thousand
    pages are, which of 4 KiB are less than one table.
    """
    size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * np.dtype(dtype).itemsize
    huge = size >= HUGE_PAGE
    memory = _in_huge_pages(size) if huge else np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % (HUGE_PAGE if huge else CACHE_LINE)
    array: np.ndarray[Any, Any] = memory[start : start + size].view(dtype).reshape(shape)
    return array


def keep_freed() -> None:
    """Let glibc keep what a batch frees for the next one, instead of returning it to the system to be zeroed again.

    What it does by itself depends on what was allocated last (mallopt(3)). Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        mallopt(M_MMAP_THRESHOLD, SET_APART)


def _in_huge_pages(size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return memory that holds `size` bytes from its first whole huge page on."""
    area = mmap.mmap(-1, (-(-size // HUGE_PAGE) + 1) * HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(AttributeError, OSError):  # a system without huge pages
        area.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(area, np.uint8)
