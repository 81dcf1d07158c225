"""Alerts, and the state of those who evaluate rules."""

from topics.alerts.record import (
    ALERT,
    RAISED,
    REPEATED,
    RESOLVED,
    SEVERITIES,
    Alert,
    alert_key,
    alert_partition,
    decode_alert,
    encode_alert,
)
from topics.alerts.state import StatePart, decode_state, encode_state

__all__ = [
    "ALERT",
    "RAISED",
    "REPEATED",
    "RESOLVED",
    "SEVERITIES",
    "Alert",
    "StatePart",
    "alert_key",
    "alert_partition",
    "decode_alert",
    "decode_state",
    "encode_alert",
    "encode_state",
]
