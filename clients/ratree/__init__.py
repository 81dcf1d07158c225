"""`argosy ratree`: graphs of conversations, to look at or for other programs."""

from clients.ratree.command import OPTIONS, SUMMARY, USAGE, run

__all__ = ["OPTIONS", "SUMMARY", "USAGE", "run"]
