"""The sockets of this host: /proc/net/tcp and its like, of every network namespace that can be seen."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from probes.events.processes import pids
from topics.address_text import IPV4_MAPPED

TABLES = {"tcp": 6, "tcp6": 6, "udp": 17, "udp6": 17}
STATES = (
    "",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSED",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
)
MOST_NAMESPACES = 256
MOST_LINES = 200_000


class Ends(NamedTuple):
    """Which socket: protocol, own address (16 bytes, zeros for any) and port, those of the peer."""

    protocol: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int


class Held(NamedTuple):
    """One line of a table; inode 0 belongs to nobody any more."""

    ends: Ends
    state: str
    uid: int
    inode: int


def read_sockets(root: Path = Path("/proc")) -> list[Held]:
    """Return the sockets of all network namespaces; raises OSError when not even our own can be read."""
    found = _read(root / "net")
    own = _namespace(root / "self")
    seen = {own}
    for pid in pids(root):
        namespace = _namespace(root / pid)
        if namespace and namespace not in seen and len(seen) < MOST_NAMESPACES:
            seen.add(namespace)
            with suppress(OSError):
                found += _read(root / pid / "net")
    return found


def _namespace(place: Path) -> str:
    try:
        return os.readlink(place / "ns/net")  # noqa: PTH115 - the target is no path
    except OSError:
        return ""


def _read(directory: Path) -> list[Held]:
    found: list[Held] = []
    for name, protocol in TABLES.items():
        table = directory / name
        if name.endswith("6") and not table.exists():
            continue
        with table.open() as file:
            next(file, None)
            found += [held for line, _ in zip(file, range(MOST_LINES), strict=False) if (held := _line(line, protocol))]
    return found


def _line(line: str, protocol: int) -> Held | None:
    words = line.split(maxsplit=10)
    try:
        local, local_port = _end(words[1])
        remote, remote_port = _end(words[2])
        state = STATES[int(words[3], 16)] if protocol == 6 else ""
        return Held(Ends(protocol, local, local_port, remote, remote_port), state, int(words[7]), int(words[9]))
    except (IndexError, ValueError):
        return None


def _end(text: str) -> tuple[bytes, int]:
    """Read an address as the kernel prints it: 32 bits at a time, each in the order of the host."""
    host, _, port = text.partition(":")
    words = bytes.fromhex(host)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return sixteen(words), int(port, 16)


def sixteen(packed: bytes) -> bytes:
    """Return an address of 4 or 16 bytes as 16; zeros for any address of either kind."""
    if len(packed) == 4:
        return IPV4_MAPPED + packed if any(packed) else bytes(16)
    return bytes(16) if packed == IPV4_MAPPED + bytes(4) else packed


def ends_row(ends: Ends) -> dict[str, Any]:
    """Return the ends as columns of a socket."""
    return ends._asdict()
