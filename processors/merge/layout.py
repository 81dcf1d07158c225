"""What keys and their kernels agree on, for those who know it without Numba."""

from __future__ import annotations

KEY_WORDS = 8  # of a conversation
COMPUTED_WORDS = 2  # of a key of chosen fields, before its octets
# What such a key compares besides octets: bits of `computed`.
KIND, PROTOCOL_NUMBER, SPI = 1, 2, 4
UNAGGREGATED = ("records", "duration_sum", "duration_square_sum", "duration_min", "duration_max")
