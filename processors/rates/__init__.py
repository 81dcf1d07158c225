"""Counters of interfaces as rates, and beside them what the probe saw there: a blind or doubled mirror port shows."""

from processors.rates.comparison import Compared, Link, compared, verdict
from processors.rates.counters import InterfaceCounters, InterfaceRate
from processors.rates.seen import SeenBytes

__all__ = ["Compared", "InterfaceCounters", "InterfaceRate", "Link", "SeenBytes", "compared", "verdict"]
