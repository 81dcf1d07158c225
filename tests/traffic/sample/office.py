"""Who takes part: hosts of the office 10.20.0.0/16 and 2001:db8:20::/48, its router, and servers elsewhere."""

from dataclasses import dataclass

ROUTER_MAC = "02:20:00:00:00:01"


@dataclass(frozen=True)
class Host:
    """One machine; `hops` routers lie between it and the mirror port, `ttl` is what it sends with."""

    name: str
    mac: str
    ipv4: str
    ipv6: str
    subnet: int
    ttl: int = 64
    hops: int = 0

    def address(self, version: int) -> str:
        """Its address of IP version 4 or 6."""
        return self.ipv6 if version == 6 else self.ipv4


def local(name: str, subnet: int, number: int, ttl: int = 64) -> Host:
    """A host of subnet 10.20.`subnet`.0/24."""
    mac = f"02:20:00:00:{subnet:02x}:{number:02x}"
    return Host(name, mac, f"10.20.{subnet}.{number}", f"2001:db8:20:{subnet:x}::{number:x}", subnet, ttl)


def remote(name: str, ipv4: str, hops: int) -> Host:
    """A host somewhere behind the router."""
    number = int(ipv4.rsplit(".", 1)[1])
    network = {"192": "80", "198": "81", "203": "82"}[ipv4[:3]]
    return Host(name, ROUTER_MAC, ipv4, f"2001:db8:{network}::{number:x}", 0, 64, hops)


# Subnets: 1 desks, 5 servers, 30 guests (tagged with their VLAN on the uplink).
DESKS, SERVERS, GUESTS = 1, 5, 30

ROUTER = Host("router", ROUTER_MAC, "10.20.1.1", "2001:db8:20:1::1", DESKS)
DESKTOPS = [local(f"desk-{number:02d}", DESKS, 20 + number, 128 if number % 3 else 64) for number in range(1, 15)]
PRINTER = local("printer-1", DESKS, 200, 255)
PHONES = [local(f"guest-{number}", GUESTS, 40 + number) for number in range(1, 5)]
SCANNER = local("guest-66", GUESTS, 66)

RESOLVER = local("dns-1.office.example.com", SERVERS, 53)
FILES = local("files.office.example.com", SERVERS, 20)
WIKI = local("wiki.office.example.com", SERVERS, 10)
BUILD = local("build.office.example.com", SERVERS, 30)
TIME = local("time.office.example.com", SERVERS, 123)

WEB = [
    remote("www.example.com", "192.0.2.10", 9),
    remote("mail.example.com", "192.0.2.25", 9),
    remote("static.example.net", "198.51.100.7", 4),
    remote("video.example.net", "198.51.100.18", 4),
    remote("login.example.org", "203.0.113.40", 13),
    remote("api.example.org", "203.0.113.41", 13),
    remote("updates.example.org", "203.0.113.80", 14),
]
# Content networks answer with another name first.
ALIASES = {"static.example.net": "edge-7.static.example.net", "video.example.net": "edge-2.video.example.net"}
CHAT = remote("chat.example.org", "203.0.113.90", 13)
UPSTREAM = [
    remote("gw.example.net", "198.51.100.1", 1),
    remote("core.example.net", "198.51.100.5", 2),
    remote("border.example.com", "192.0.2.1", 7),
]


def macs(sender: Host, receiver: Host) -> tuple[str, str]:
    """Source and destination MAC where the mirror port first sees a packet: its way into the switch."""
    if sender.subnet == receiver.subnet:
        return sender.mac, receiver.mac
    return sender.mac, receiver.mac if sender.mac == ROUTER_MAC else ROUTER_MAC


def vlans(sender: Host, receiver: Host) -> tuple[int, ...]:
    """Guests come over a tagged uplink, all others from untagged ports."""
    return (GUESTS,) if GUESTS in (sender.subnet, receiver.subnet) else ()
