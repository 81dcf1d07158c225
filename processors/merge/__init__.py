"""Merging flow records by key.

FlowMerge makes flows of status records in a stream; Aggregation is what `argosy racluster` does, and so does `grouped`
for files in columns. What has kernels is imported when it is asked for: Numba takes longer than many an answer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from processors.merge.aggregation import Aggregation
    from processors.merge.settings import MergeSettings
    from processors.merge.stream import FlowMerge, MergedFlows

__all__ = ["Aggregation", "FlowMerge", "MergeSettings", "MergedFlows"]
HOMES = {"Aggregation": "aggregation", "MergeSettings": "settings", "FlowMerge": "stream", "MergedFlows": "stream"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class
    if name not in HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
