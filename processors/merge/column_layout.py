"""What merging column by column and its kernels agree on: numbers of rules, and what is noted of each flow."""

from __future__ import annotations

SUM, LARGEST, SMALLEST, SMALLEST_SET, FIRST_SET, BITS = range(6)
SAME, LAST, SAME_SIDE, LAST_SIDE, SMALLEST_COUNTED, FIRST = range(6, 12)
TOUCHED, MET, BIN = range(3)  # marks of a flow: its last record, whether its other direction is there too, its bin
MARKS = 3
AHEAD = 32  # records whose keys are made before the first of them is looked up, so that memory answers in time
TWO_WORDS = 16  # bytes of a value
FLOAT = 0  # in the place of a width: doubles, which are added
