"""`argosy archive compact|retain|verify`: the upkeep of directories and buckets of files of flows."""

from clients.archive.command import OPTIONS, run

__all__ = ["OPTIONS", "run"]
