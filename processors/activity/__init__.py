"""What is going on: flows that are active, how much each does within a sliding window, until they are idle for long."""

from processors.activity.flows import IDENTITY, IDLE, LOAD, RATE, ActiveFlows

__all__ = ["IDENTITY", "IDLE", "LOAD", "RATE", "ActiveFlows"]
