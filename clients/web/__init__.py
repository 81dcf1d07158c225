"""`argosy web`: a page that shows what flows say, served from an archive, a database or live topics."""

from clients.web.command import OPTIONS, SUMMARY, USAGE, run

__all__ = ["OPTIONS", "SUMMARY", "USAGE", "run"]
