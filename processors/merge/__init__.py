"""Merging flow records by key.

FlowMerge makes flows of status records in a stream; Aggregation is what `argosy racluster` does.
"""

from __future__ import annotations

from processors.merge.aggregation import Aggregation
from processors.merge.settings import MergeSettings
from processors.merge.stream import FlowMerge, MergedFlows

__all__ = ["Aggregation", "FlowMerge", "MergeSettings", "MergedFlows"]
