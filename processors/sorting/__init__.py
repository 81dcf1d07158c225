"""Records in the order of any fields, more of them than fit into memory."""

from processors.sorting.by_columns import COLUMNS_AT_ONCE, Reordering, order_of
from processors.sorting.keys import SortKey, sort_keys
from processors.sorting.sorter import AT_ONCE, Sorter

__all__ = ["AT_ONCE", "COLUMNS_AT_ONCE", "Reordering", "SortKey", "Sorter", "order_of", "sort_keys"]
