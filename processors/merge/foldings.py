"""How integers of several records become one: what Python and the kernel of folding have to know of each other."""

ADDED, LEAST, LARGEST, ALL_BITS, FIRST_SET, LEAST_SET, AGREED = range(7)  # those that are set are not 0
UNKNOWN = -(1 << 63)  # what those agree on of which there was none yet; 0 if they do not
AT_ONCE = 512  # rows of which all columns are folded, so that totals they share are still in the nearest cache
