"""Whose flow it was: processes, switch ports and alerts that events tell of, as labels of flows."""

from processors.attribution.alerts import AlertTable
from processors.attribution.attributor import Attributor
from processors.attribution.sockets import Owner, SocketTable
from processors.attribution.stations import StationTable

__all__ = ["AlertTable", "Attributor", "Owner", "SocketTable", "StationTable"]
