"""The same conversation seen at several points: matched, one observation counted, their differences told."""

from processors.observers.match import ObserverMatch
from processors.observers.settings import ObserverSettings
from processors.observers.stream import ObserverStream

__all__ = ["ObserverMatch", "ObserverSettings", "ObserverStream"]
