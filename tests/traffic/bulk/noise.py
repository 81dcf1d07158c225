"""Payload that costs nothing: one stretch of random bytes, repeated, whose checksums are known in advance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.traffic.bulk.table import Bytes

# Even, so that a byte keeps its half of the 16-bit word in every repetition.
PERIOD = 1 << 20
LONGEST_PAYLOAD = 1 << 16


class Noise:
    """Fills a buffer; byte k of the buffer is byte k % PERIOD of the noise."""

    def __init__(self, seed: int) -> None:
        self._stretch = np.random.default_rng((seed, 1)).integers(0, 256, PERIOD, np.uint8)
        twice = np.resize(self._stretch, PERIOD + LONGEST_PAYLOAD).astype(np.int64)
        even = np.arange(len(twice)) % 2 == 0
        self._sums = [np.append(0, np.cumsum(np.where(chosen, twice, 0))) for chosen in (even, ~even)]

    def buffer(self, length: int) -> Bytes:
        """`length` bytes of noise, writable."""
        return np.resize(self._stretch, length)

    def word_sums(self, starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.int64]:
        """The sum of the big-endian 16-bit words of each payload, an odd last byte padded with zero."""
        first = starts % PERIOD
        even, odd = (sums[first + lengths] - sums[first] for sums in self._sums)
        high_first = first % 2 == 0
        sums: NDArray[np.int64] = np.where(high_first, even * 256 + odd, odd * 256 + even)
        return sums
