"""What keeps events: files, and typed tables of databases."""

from sinks.events.directory import EventDirectory
from sinks.events.kafka import EventSink, keep_events
from sinks.events.tables import EventDatabase

__all__ = ["EventDatabase", "EventDirectory", "EventSink", "keep_events"]
