"""Network interfaces: which there are, whether they are up, and what kind of frames they carry."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.capture import link_types
from topics.errors import InterfaceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all"
IFNAMSIZ = 16
SIOCGIFFLAGS, SIOCGIFHWADDR = 0x8913, 0x8927
UP, LOOPBACK = 0x1, 0x8

# <linux/if_arp.h>: the kind of hardware to the link type of its frames.
FRAMES = {
    1: link_types.ETHERNET,
    772: link_types.ETHERNET,  # loopback
    801: link_types.IEEE802_11,
    802: link_types.IEEE802_11_PRISM,
    803: link_types.IEEE802_11_RADIOTAP,
}
PACKETS_ONLY = {512, 519, 768, 769, 776, 778, 823, 0xFFFE}  # PPP, RAWIP, tunnels, none (tun, WireGuard)


@dataclass(frozen=True, slots=True)
class Link:
    """What there is to know of an interface before capturing on it.

    `cooked` says that its own headers differ from packet to packet, so that packets are taken from the network header
    on.
    """

    name: str
    index: int
    link_type: int
    cooked: bool
    loopback: bool


def _ask(name: str, request: int) -> bytes:
    if len(name.encode()) >= IFNAMSIZ or not name:
        raise InterfaceError(f"{name}: no such interface")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as questions:
        try:
            return fcntl.ioctl(questions, request, name.encode().ljust(40, b"\0"))
        except OSError as error:
            raise InterfaceError(f"{name}: no such interface") from error


def is_up(name: str) -> bool:
    """Whether an interface is switched on; raises InterfaceError when there is none of the name."""
    flags: int = struct.unpack_from("H", _ask(name, SIOCGIFFLAGS), IFNAMSIZ)[0]
    return bool(flags & UP)


def state(index: int) -> str:
    """Return whether the interface of a number is `up`, `down` or `gone`, whatever it is called now."""
    try:
        return "up" if is_up(socket.if_indextoname(index)) else "down"
    except (OSError, InterfaceError):
        return "gone"


def missed(name: str) -> int:
    """Return how many packets the adapter itself had to let go so far, as its driver tells."""
    count = 0
    for reason in ("rx_missed_errors", "rx_fifo_errors"):
        try:
            count += int(Path(f"/sys/class/net/{name}/statistics/{reason}").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return count


def names() -> list[str]:
    """Return all interfaces, in the order of the system."""
    return [name for _, name in socket.if_nameindex()]


def chosen(wanted: Sequence[str]) -> list[str]:
    """Return the interfaces that are meant: each once, and for `all` every one that is up.

    Raises UsageError for the ways of Argus to join interfaces.
    """
    found: dict[str, None] = {}
    for spec in wanted:
        kind, _, name = spec.rpartition(":")
        if kind not in {"", "ind"}:
            raise UsageError(f"interface {spec}: give -i once for each interface; the flows of each are kept apart")
        found.update(dict.fromkeys([each for each in names() if is_up(each)] if name == ALL else [name]))
    if not found:
        raise InterfaceError("no interface is up")
    return list(found)


def link(name: str) -> Link:
    """Return what an interface is; raises InterfaceError when it is not there, down or of an unknown kind."""
    hardware = struct.unpack_from("H", _ask(name, SIOCGIFHWADDR), IFNAMSIZ)[0]
    flags = struct.unpack_from("H", _ask(name, SIOCGIFFLAGS), IFNAMSIZ)[0]
    if not flags & UP:
        raise InterfaceError(f"{name}: interface is down")
    cooked = hardware in PACKETS_ONLY
    if not cooked and hardware not in FRAMES:
        raise InterfaceError(f"{name}: frames of hardware type {hardware} are not supported")
    link_type = link_types.RAW if cooked else FRAMES[hardware]
    return Link(name, socket.if_nametoindex(name), link_type, cooked, bool(flags & LOOPBACK))
