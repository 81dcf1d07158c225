"""Merging flow records by key.

FlowMerge makes flows of status records in a stream; Aggregation is what `argosy racluster` does, and so does `grouped`
for files in columns. What has kernels is imported when it is asked for: Numba takes longer than many an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.on_demand import on_demand

if TYPE_CHECKING:
    from processors.merge.aggregation import Aggregation
    from processors.merge.settings import MergeSettings
    from processors.merge.stream import FlowMerge, MergedFlows

__all__ = ["Aggregation", "FlowMerge", "MergeSettings", "MergedFlows"]
HOMES = {"Aggregation": "aggregation", "MergeSettings": "settings", "FlowMerge": "stream", "MergedFlows": "stream"}
__getattr__ = on_demand(__name__, HOMES)
