"""Records in the order of any fields, more of them than fit into memory."""

from processors.sorting.keys import SortKey, sort_keys
from processors.sorting.sorter import AT_ONCE, Sorter

__all__ = ["AT_ONCE", "SortKey", "Sorter", "sort_keys"]
