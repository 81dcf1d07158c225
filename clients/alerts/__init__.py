"""`argosy alerts check|test|list|run`: rules looked at, tried on the past, put to work, and what they found."""

from clients.alerts.command import run

__all__ = ["run"]
