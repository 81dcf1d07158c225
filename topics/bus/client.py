"""What every Kafka client is told: where the brokers are and how to prove who we are."""

from __future__ import annotations

from typing import Any

from topics.bus.address import bootstrap


def client_settings(url: str) -> dict[str, Any]:
    """Return the settings of a librdkafka client for a bus address; raises UsageError, SettingsError."""
    return {"bootstrap.servers": bootstrap(url), "log_level": 0}  # what matters is raised as BusError
