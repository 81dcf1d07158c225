"""What a column of rows of text is made of, as Python tells the kernel that writes it."""

NUMBER, CLOCK, TEXT, PIECE = 0, 1, 2, 3
BLANK = -(1 << 63)  # the number of a row that has none
TEXT_BITS = 32  # of the length of a text
MARGIN = 16  # bytes behind the last one that may be written or read
