"""What arrow_packing.py and its kernel agree on: a row of integers for each column of a batch."""

from __future__ import annotations

# Where a field lies in a record and how many bytes it has, what its column is made of, and for bytes of variable length
# where they lie, how many they are as they are written, and how many before that; -1 says that they are the same.
# The kernel notes at DATA where it has put the values of other columns.
COLUMN_WORDS = 6
OFFSET, WIDTH, KIND, DATA, DATA_BYTES, DATA_LENGTH = range(COLUMN_WORDS)

PLAIN = 0  # the field as it is
SAME = 1  # the same, of one value in all records
TIME = 2  # ns, and 0 for none
ZEROS = 3  # nothing but zeros: places in a dictionary of one word
HEAP = 4  # bytes whose lengths are the field
EMPTY = 5  # the same, all of length 0

# A row for each buffer of a body, as metadata has it: place, bytes.
BUFFER_WORDS = 2
# And one for each column: values, those that are missing.
NODE_WORDS = 2
WORD = 8  # bytes, which buffers begin with, and written over behind the end of what memory holds
