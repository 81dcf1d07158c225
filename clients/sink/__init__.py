"""`argosy sink files|sql|events`: keep the flows and events that Kafka carries. One file for each kind of sink."""

from clients.sink.command import OPTIONS, run

__all__ = ["OPTIONS", "run"]
