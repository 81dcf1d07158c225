"""Integers out of bytes, for kernels. All are int64, so that no kernel mixes signs; the caller has checked the bounds.

Places are made unsigned before they are used: Numba then leaves out Python's negative indices, and LLVM joins the bytes
into one load.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
FOUR, FIVE, SIX, SEVEN = np.uint64(4), np.uint64(5), np.uint64(6), np.uint64(7)


@inlined
def u8(data: Any, at: int) -> Any:
    """One byte."""
    return np.int64(data[np.uint64(at)])


@inlined
def be16(data: Any, at: int) -> Any:
    """Two bytes in network order."""
    p = np.uint64(at)
    return (np.int64(data[p]) << 8) | np.int64(data[p + ONE])


@inlined
def be32(data: Any, at: int) -> Any:
    """Four bytes in network order."""
    p = np.uint64(at)
    high = (np.int64(data[p]) << 24) | (np.int64(data[p + ONE]) << 16)
    return high | (np.int64(data[p + TWO]) << 8) | np.int64(data[p + THREE])


@inlined
def be48(data: Any, at: int) -> Any:
    """Six bytes in network order: a MAC address."""
    return (be16(data, at) << 32) | be32(data, at + 2)


@inlined
def be64(data: Any, at: int) -> Any:
    """Eight bytes in network order; negative when the top bit is set."""
    p = np.uint64(at)
    high = (np.int64(data[p]) << 56) | (np.int64(data[p + ONE]) << 48)
    high |= (np.int64(data[p + TWO]) << 40) | (np.int64(data[p + THREE]) << 32)
    low = (np.int64(data[p + FOUR]) << 24) | (np.int64(data[p + FIVE]) << 16)
    return high | low | (np.int64(data[p + SIX]) << 8) | np.int64(data[p + SEVEN])


@inlined
def le16(data: Any, at: int) -> Any:
    """Two bytes, least significant first."""
    p = np.uint64(at)
    return np.int64(data[p]) | (np.int64(data[p + ONE]) << 8)


@inlined
def le32(data: Any, at: int) -> Any:
    """Four bytes, least significant first."""
    p = np.uint64(at)
    low = np.int64(data[p]) | (np.int64(data[p + ONE]) << 8)
    return low | (np.int64(data[p + TWO]) << 16) | (np.int64(data[p + THREE]) << 24)
