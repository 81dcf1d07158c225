"""`argosy ratop`: flows as they are, live: sorted, filtered, grouped and looked into while they go on."""

from clients.ratop.command import OPTIONS, SUMMARY, USAGE, run

__all__ = ["OPTIONS", "SUMMARY", "USAGE", "run"]
