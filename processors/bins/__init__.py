"""Records cut at the edges of time bins, and merged bin by bin: time series of any key."""

from processors.bins.edges import BinSize, bin_size
from processors.bins.pieces import BIN
from processors.bins.series import Series
from processors.bins.split import split, split_columns
from processors.bins.table import BinTable

__all__ = ["BIN", "BinSize", "BinTable", "Series", "bin_size", "split", "split_columns"]
