"""Names of addresses: who an address was, and which name led a client there."""

from processors.names.from_dns import DnsNames
from processors.names.naming import Naming
from processors.names.stations import StationNames
from processors.names.table import NameTable

__all__ = ["DnsNames", "NameTable", "Naming", "StationNames"]
