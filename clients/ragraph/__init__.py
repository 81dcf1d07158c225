"""`argosy ragraph`: pictures of metrics over time, by any objects. Options are those of Argus's ragraph."""

from clients.ragraph.command import OPTIONS, SUMMARY, USAGE, run

__all__ = ["OPTIONS", "SUMMARY", "USAGE", "run"]
