"""What every Kafka client is told: where the brokers are and how to prove who we are."""

from __future__ import annotations

import logging
import os
from typing import Any

from topics.bus.address import bootstrap
from topics.definitions import MAX_MESSAGE_BYTES

PREFIX = "ARGOSY_BUS_"
COMPRESSION = "lz4"
CLIENT = "argosy"  # what quotas know a client by that has no user
RECONNECT_MILLISECONDS = 2000  # by default a broker that is back is left alone for up to ten seconds
SILENT = logging.getLogger("argosy.librdkafka")  # what it would print is raised as BusError
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def client_settings(url: str) -> dict[str, Any]:
    """Return the settings of a librdkafka client for a bus address; raises UsageError, SettingsError."""
    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap(url),
        "client.id": CLIENT,
        "reconnect.backoff.max.ms": RECONNECT_MILLISECONDS,
        "log_level": 0,
        "logger": SILENT,
    }
    if _is_set():
        from topics.bus.security import security

        settings |= security().librdkafka()
    return settings


def producer_settings(url: str) -> dict[str, Any]:
    """Return the same for a producer: in order and once, to all replicas, compressed."""
    compression = COMPRESSION
    if _is_set():
        from topics.bus.security import security

        compression = security().compression
    return client_settings(url) | {
        "enable.idempotence": True,
        "compression.type": compression,
        "message.max.bytes": MAX_MESSAGE_BYTES,
    }


def wait_seconds() -> float:
    """Return how long a program waits at its start for brokers and topics that are not there yet."""
    if not _is_set():
        return 0.0
    from topics.bus.security import security

    return security().wait


def _is_set() -> bool:
    return any(name.startswith(PREFIX) for name in os.environ)
