"""Where the bus is: `kafka://HOST:PORT[,HOST:PORT]`."""

from __future__ import annotations

import re

from topics.errors import UsageError

SCHEME = "kafka://"
BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})")


def bootstrap(url: str) -> str:
    """Return the brokers of a bus address as Kafka clients take them; raises UsageError for anything else."""
    brokers = url.removeprefix(SCHEME).rstrip("/")
    if not url.startswith(SCHEME) or not all(map(_is_broker, brokers.split(","))):
        raise UsageError(f"{url!r} is no bus: write {SCHEME}HOST:PORT, several brokers as HOST:PORT,HOST:PORT")
    return brokers


def _is_broker(text: str) -> bool:
    found = BROKER.fullmatch(text)
    return found is not None and 0 < int(found[2]) < 65536
