"""What Python and the kernels of rows, which it does not import, have to know of each other."""

# A column of a row is one of:
NUMBER, CLOCK, TEXT, PIECE = 0, 1, 2, 3
BLANK = -(1 << 63)  # the number of a row that has none
TEXT_BITS = 32  # of the length of a text
BLOCK = 512  # rows whose words are made before they are numbered, so that they are still in the nearest cache
MARGIN = 16  # bytes behind the last one that may be written or read
LOADED = 136  # rows whose values are loaded, by column, before they are written; no power of two, or all would want
# the same places of the nearest cache
