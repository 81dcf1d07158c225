"""Labels on flows: what is known of their addresses, ports, stations and names as of their own time."""

from processors.labels.labeller import Labeller
from processors.labels.lists import Lists, NoLists
from processors.labels.settings import LabelSettings, read_label_settings

__all__ = ["LabelSettings", "Labeller", "Lists", "NoLists", "read_label_settings"]
