"""Records cut at the edges of time bins, and merged bin by bin: time series of any key.

What works on frames, or on whole records by kernels, is imported when it is asked for: Polars and Numba take longer
than many an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.bins.edges import BinSize, bin_size
from topics.on_demand import on_demand

if TYPE_CHECKING:
    from processors.bins.pieces import BIN
    from processors.bins.series import Series
    from processors.bins.table import BinTable

__all__ = ["BIN", "BinSize", "BinTable", "Series", "bin_size"]
__getattr__ = on_demand(__name__, {"BIN": "pieces", "Series": "series", "BinTable": "table"})
