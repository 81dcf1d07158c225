"""What a local network says without being asked: ARP, neighbours, DHCP, NTP, multicast DNS, switches."""

from tests.traffic.checksum import packed
from tests.traffic.packets import (
    BROADCAST_MAC,
    ETHERTYPE_ARP,
    arp,
    arp_frame,
    ethernet,
    frame,
    icmp_frame,
    mac_bytes,
    udp_frame,
)
from tests.traffic.sample import services
from tests.traffic.sample.mirror_port import MICROSECOND, MILLISECOND, SECOND
from tests.traffic.sample.office import ROUTER, ROUTER_MAC, Host
from tests.traffic.sample.scene import Scene

SWITCH_MAC = "02:20:00:00:00:fe"
ANY_ADDRESS = "0.0.0.0"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


def resolve_by_arp(scene: Scene, asking: Host, asked: Host, now: int) -> None:
    """Who has, and the answer."""
    scene.mirror.see(now, arp_frame(1, asking.mac, asking.ipv4, asked.ipv4))
    reply = arp_frame(2, asked.mac, asked.ipv4, asking.ipv4, target_mac=asking.mac)
    scene.mirror.carry(now + scene.random.randint(40 * MICROSECOND, 400 * MICROSECOND), asked, asking, reply)


def search_in_vain(scene: Scene, asking: Host, address: str, now: int) -> None:
    """Three requests, a second apart, that nobody answers."""
    for attempt in range(3):
        scene.mirror.see(now + attempt * SECOND, arp_frame(1, asking.mac, asking.ipv4, address))


def announce_by_arp(scene: Scene, host: Host, now: int) -> None:
    """A gratuitous ARP: sender and target are the same address (RFC 5227 section 3)."""
    packet = arp(1, host.mac, host.ipv4, "00:00:00:00:00:00", host.ipv4)
    whole = ethernet(packet, ETHERTYPE_ARP, source=host.mac, destination=BROADCAST_MAC)
    scene.mirror.see(now, whole)


def resolve_neighbour(scene: Scene, asking: Host, asked: Host, now: int) -> None:
    """ICMPv6 neighbour solicitation to the solicited-node group, and the advertisement (RFC 4861)."""
    tail = packed(asked.ipv6)[-3:]
    group = f"ff02::1:ff{tail[0]:02x}:{tail[1]:02x}{tail[2]:02x}"
    group_mac = f"33:33:ff:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"
    question = bytes(4) + packed(asked.ipv6) + b"\x01\x01" + mac_bytes(asking.mac)
    scene.mirror.see(
        now,
        icmp_frame(asking.ipv6, group, 135, 0, question, ttl=255, source_mac=asking.mac, destination_mac=group_mac),
    )
    answer = b"\x60\0\0\0" + packed(asked.ipv6) + b"\x02\x01" + mac_bytes(asked.mac)
    advertisement = icmp_frame(
        asked.ipv6, asking.ipv6, 136, 0, answer, ttl=255, source_mac=asked.mac, destination_mac=asking.mac
    )
    scene.mirror.see(now + scene.random.randint(50 * MICROSECOND, 500 * MICROSECOND), advertisement)


def advertise_router(scene: Scene, now: int) -> None:
    """A router advertisement with its prefix (RFC 4861 section 4.2)."""
    prefix = b"\x03\x04\x40\xc0" + (86400).to_bytes(4, "big") + (14400).to_bytes(4, "big") + bytes(4)
    body = b"\x40\0\x07\x08" + bytes(8) + b"\x01\x01" + mac_bytes(ROUTER_MAC) + prefix + packed("2001:db8:20:1::")
    whole = icmp_frame(
        "fe80::20:1", ALL_NODES, 134, 0, body, ttl=255, source_mac=ROUTER_MAC, destination_mac=ALL_NODES_MAC
    )
    scene.mirror.see(now, whole)


def lease(scene: Scene, client: Host, resolver: Host, now: int) -> None:
    """Discover, offer, request, acknowledge: a machine comes into the office."""
    transaction = scene.random.randrange(2**32)
    offered = services.lease_options(ROUTER.ipv4, ROUTER.ipv4, resolver.ipv4)
    wanted = bytes((50, 4)) + packed(client.ipv4) + bytes((54, 4)) + packed(ROUTER.ipv4)
    steps = (
        (services.DISCOVER, b""),
        (services.OFFER, offered),
        (services.REQUEST, wanted),
        (services.ACKNOWLEDGE, offered),
    )
    for kind, options in steps:
        from_client = kind in (services.DISCOVER, services.REQUEST)
        yours = None if from_client else client.ipv4
        message = services.dhcp(kind, transaction, client.mac, yours=yours, options=options)
        if from_client:
            whole = udp_frame(
                ANY_ADDRESS, "255.255.255.255", 68, 67, message, source_mac=client.mac, destination_mac=BROADCAST_MAC
            )
        else:
            whole = udp_frame(
                ROUTER.ipv4, client.ipv4, 67, 68, message, source_mac=ROUTER_MAC, destination_mac=client.mac
            )
        scene.mirror.see(now, whole)
        now += scene.random.randint(MILLISECOND, 40 * MILLISECOND)


def set_clock(scene: Scene, client: Host, server: Host, now: int, version: int = 4) -> None:
    """An NTP question and its answer."""
    port = 123 if scene.random.random() < 0.5 else scene.ephemeral_port()
    request = services.ntp_request(now)
    scene.datagram(now, (client, server), (port, 123), request, version=version, tos=0xB8)
    response = services.ntp_response(request, now + 200 * MICROSECOND)
    later = now + scene.random.randint(300 * MICROSECOND, 800 * MICROSECOND)
    scene.datagram(later, (server, client), (123, port), response, version=version, tos=0xB8)


def discover_service(scene: Scene, asking: Host, offering: Host, now: int, version: int) -> None:
    """Who prints here? Multicast questions and the printer's answer."""
    group, group_mac = ("ff02::fb", "33:33:00:00:00:fb") if version == 6 else ("224.0.0.251", "01:00:5e:00:00:fb")
    service = "_ipp._tcp.local"
    answer = services.service_answer(service, "Corridor", f"{offering.name}.local", offering.address(version))
    messages = ((asking, services.service_question(service), 0), (offering, answer, 25 * MILLISECOND))
    for sender, message, delay in messages:
        whole = udp_frame(
            sender.address(version),
            group,
            5353,
            5353,
            message,
            ttl=255,
            source_mac=sender.mac,
            destination_mac=group_mac,
        )
        scene.mirror.see(now + delay, whole)


def spanning_tree(scene: Scene, now: int) -> None:
    """A configuration BPDU of the switch in LLC (IEEE 802.1D section 9.3.1)."""
    bridge = b"\x80\x01" + mac_bytes(SWITCH_MAC)
    body = bytes(5) + bridge + bytes(4) + bridge + b"\x80\x0a" + b"\0\0\x14\0\x02\0\x0f\0"
    packet = b"\x42\x42\x03" + body
    scene.mirror.see(now, ethernet(packet, len(packet), source=SWITCH_MAC, destination="01:80:c2:00:00:00"))


def link_layer_discovery(scene: Scene, now: int) -> None:
    """The switch's LLDP (IEEE 802.1AB): chassis, port, time to live, name."""
    units = (
        (1, b"\x04" + mac_bytes(SWITCH_MAC)),
        (2, b"\x05Gi1/0/10"),
        (3, b"\0\x78"),
        (5, b"switch-1"),
        (6, b"Access switch, first floor"),
        (0, b""),
    )
    body = b"".join((kind << 9 | len(value)).to_bytes(2, "big") + value for kind, value in units)
    whole = frame(body, source_mac=SWITCH_MAC, destination_mac="01:80:c2:00:00:0e", ethertype=0x88CC)
    scene.mirror.see(now, whole)
