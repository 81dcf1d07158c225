"""Names of addresses: who an address was, and which name led a client there.

What is asked for is imported then: Naming has kernels, and Numba takes longer than many an answer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from processors.names.from_dns import DnsNames
    from processors.names.naming import Naming
    from processors.names.stations import StationNames
    from processors.names.table import NameTable

__all__ = ["DnsNames", "NameTable", "Naming", "StationNames"]
HOMES = {"DnsNames": "from_dns", "NameTable": "table", "Naming": "naming", "StationNames": "stations"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class
    if name not in HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
