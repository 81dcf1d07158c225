"""Loopback ports for servers that have to come back on the same one."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from topics.errors import ServerError

LOWEST = 15000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_EPHEMERAL_START = 32768


def free_port() -> int:
    """Return a TCP port that nothing on 127.0.0.1 holds, below the range outgoing connections are given.

    A port inside that range could be taken by any connection while the server is down, even by a client that keeps
    trying to reach it and ends up connected to itself.
    """
    highest = _ephemeral_start() - 1
    for port in random.sample(range(LOWEST, highest), k=100):
        if is_free(port):
            return port
    raise ServerError(f"no free port on 127.0.0.1 among 100 tried between {LOWEST} and {highest}")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _ephemeral_start() -> int:
    try:
        start = int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return USUAL_EPHEMERAL_START
    return start if start > LOWEST + 1000 else USUAL_EPHEMERAL_START
