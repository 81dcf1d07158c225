"""`argosy audit`: do the numbers agree, from the interface to the last sink, and if not, where do they part."""

from clients.audit.command import run

__all__ = ["run"]
