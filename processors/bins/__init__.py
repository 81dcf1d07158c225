"""Records cut at the edges of time bins, and merged bin by bin: time series of any key."""

from processors.bins.edges import BinSize, bin_size
from processors.bins.series import Series
from processors.bins.split import split

__all__ = ["BinSize", "Series", "bin_size", "split"]
