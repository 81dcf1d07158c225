"""Where the bus is: `kafka://HOST:PORT[,HOST:PORT]`."""

from __future__ import annotations

import re

from topics.errors import UsageError

SCHEME = "kafka://"
BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})")


def bootstrap(url: str) -> str:
    """Return the brokers of a bus address as Kafka clients take them; raises UsageError for anything else."""
    brokers = url.removeprefix(SCHEME).rstrip("/")
    if not url.startswith(SCHEME) or not all(BROKER.fullmatch(broker) for broker in brokers.split(",")):
        raise UsageError(f"'{url}' is no bus: write {SCHEME}HOST:PORT, several brokers as HOST:PORT,HOST:PORT")
    return brokers
