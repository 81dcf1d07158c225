"""Integers out of bytes, for kernels. All are int64, so that no kernel mixes signs; the caller has checked the bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined


@inlined
def u8(data: Any, at: int) -> Any:
    """One byte."""
    return np.int64(data[at])


@inlined
def be16(data: Any, at: int) -> Any:
    """Two bytes in network order."""
    return (np.int64(data[at]) << 8) | np.int64(data[at + 1])


@inlined
def be32(data: Any, at: int) -> Any:
    """Four bytes in network order."""
    return (be16(data, at) << 16) | be16(data, at + 2)


@inlined
def be48(data: Any, at: int) -> Any:
    """Six bytes in network order: a MAC address."""
    return (be16(data, at) << 32) | be32(data, at + 2)


@inlined
def be64(data: Any, at: int) -> Any:
    """Eight bytes in network order; negative when the top bit is set."""
    return (be32(data, at) << 32) | be32(data, at + 4)


@inlined
def le16(data: Any, at: int) -> Any:
    """Two bytes, least significant first."""
    return np.int64(data[at]) | (np.int64(data[at + 1]) << 8)


@inlined
def le32(data: Any, at: int) -> Any:
    """Four bytes, least significant first."""
    return le16(data, at) | (le16(data, at + 2) << 16)
