"""`argosy run`: captures to merged flows in files and a database, in one process, with a summary for people."""

from clients.run.command import run

__all__ = ["run"]
