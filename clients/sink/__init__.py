"""`argosy sink KIND`: keep and deliver what Kafka carries. One file for each kind of sink."""

from clients.sink.command import OPTIONS, run

__all__ = ["OPTIONS", "run"]
