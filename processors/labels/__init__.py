"""Labels on flows: what is known of their addresses, ports, stations and names as of their own time."""

from processors.labels.labeller import Labeller
from processors.labels.lists import NoLists

__all__ = ["Labeller", "NoLists"]
