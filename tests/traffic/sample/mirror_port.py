"""The port the capture is taken at: what it sees, what it sees twice, and in which order."""

from random import Random

from tests.traffic.checksum import with_checksum
from tests.traffic.packets import Carriage, ethernet, mac_bytes
from tests.traffic.sample.office import ROUTER_MAC, Host, macs, vlans

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class MirrorPort:
    """Collects frames with their times in ns; hosts of `both_ways` have their port mirrored in both directions.

    A packet of such a host is captured twice, 20 to 200 us apart: on its way into the switch and on its way out. The
    copy has the same bytes inside a subnet; between subnets it has passed the router in between, so that its MACs are
    others and its TTL is one less. One copy in ten is lost, as on a busy mirror port.
    """

    def __init__(self, random: Random, both_ways: frozenset[Host] = frozenset()) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self._random = random
        self._both_ways = both_ways

    def see(self, time_ns: int, frame: bytes) -> None:
        """Capture a frame as Ethernet delivers it: never shorter than 60 bytes."""
        self.frames.append((time_ns, frame.ljust(60, b"\0")))

    def carry(self, time_ns: int, sender: Host, receiver: Host, frame: bytes) -> None:
        """Capture a frame from one host to another, and its copy where there is one."""
        self.see(time_ns, frame)
        if self._both_ways.isdisjoint((sender, receiver)) or self._random.random() < 0.1:
            return
        copy = frame if sender.subnet == receiver.subnet else routed(frame, receiver)
        self.see(time_ns + self._random.randint(20 * MICROSECOND, 200 * MICROSECOND), copy)

    def in_order(self) -> list[tuple[int, bytes]]:
        """All frames by time; of equal times the one seen first."""
        return sorted(self.frames, key=lambda timed: timed[0])


def way(sender: Host, receiver: Host, identification: int = 0) -> Carriage:
    """The link and network header fields of a packet where the port first sees it."""
    source_mac, destination_mac = macs(sender, receiver)
    return {
        "source_mac": source_mac,
        "destination_mac": destination_mac,
        "ttl": sender.ttl - sender.hops,
        "vlans": vlans(sender, receiver),
        "identification": identification & 0xFFFF,
        "dont_fragment": True,
    }


def routed(frame: bytes, receiver: Host) -> bytes:
    """An untagged IP frame after the router: its MAC as source, the receiver's as destination, one hop less."""
    packet = bytearray(frame[14:])
    if packet[0] >> 4 == 6:
        packet[7] -= 1
        return ethernet(bytes(packet), 0x86DD, source=ROUTER_MAC, destination=receiver.mac)
    packet[8] -= 1
    packet[10:12] = b"\0\0"
    header = with_checksum(bytes(packet[:20]), 10)
    return mac_bytes(receiver.mac) + mac_bytes(ROUTER_MAC) + b"\x08\x00" + header + bytes(packet[20:])
