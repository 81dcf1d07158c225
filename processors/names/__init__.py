"""Names of addresses: who an address was, and which name led a client there.

What is asked for is imported then: Naming has kernels, and Numba takes longer than many an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.on_demand import on_demand

if TYPE_CHECKING:
    from processors.names.from_dns import DnsNames
    from processors.names.naming import Naming
    from processors.names.stations import StationNames
    from processors.names.table import NameTable

__all__ = ["DnsNames", "NameTable", "Naming", "StationNames"]
HOMES = {"DnsNames": "from_dns", "NameTable": "table", "Naming": "naming", "StationNames": "stations"}
__getattr__ = on_demand(__name__, HOMES)
