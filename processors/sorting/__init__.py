"""Records in the order of any fields, more of them than fit into memory."""

from processors.sorting.keys import SortKey, sort_keys
from processors.sorting.sorter import Sorter

__all__ = ["SortKey", "Sorter", "sort_keys"]
