"""What a probe says about itself: when it is due, and what goes into it."""

from probes.status.reporter import Identity, StatusReporter

__all__ = ["Identity", "StatusReporter"]
