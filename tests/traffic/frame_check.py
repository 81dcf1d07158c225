"""What is wrong with a frame: lengths and checksums worked out anew, sharing no code with what builds frames."""

import struct

import dpkt


def ones_complement_sum(data: bytes) -> int:
    """Word by word with end-around carry; 0xFFFF when `data` includes its right checksum."""
    total = 0
    for (word,) in struct.iter_unpack(">H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def problem(frame: bytes) -> str | None:
    """The first thing wrong with a frame, None if nothing is. Fragments are checked up to their network header."""
    link = dpkt.ethernet.Ethernet(frame)
    if len(frame) < 60 and link.type == 0x0806:
        return "ARP frame not padded"
    network = link.data
    if isinstance(network, dpkt.ip.IP):
        return ipv4_problem(frame[frame.index(b"\x08\x00", 12) + 2 :])
    if isinstance(network, dpkt.ip6.IP6):
        return ipv6_problem(frame[frame.index(b"\x86\xdd", 12) + 2 :])
    return None if isinstance(network, dpkt.arp.ARP) or link.type < 0x600 or link.type == 0x88CC else "unknown payload"


def ipv4_problem(packet: bytes) -> str | None:
    """What is wrong with an IPv4 packet, padding behind it allowed."""
    header_length, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    if total > len(packet) or any(packet[total:]):
        return "IPv4 length"
    if ones_complement_sum(packet[:header_length]) != 0xFFFF:
        return "IPv4 checksum"
    if int.from_bytes(packet[6:8], "big") & 0x3FFF:
        return None
    segment = packet[header_length:total]
    return transport_problem(packet[9], packet[12:20], segment)


def ipv6_problem(packet: bytes) -> str | None:
    """What is wrong with an IPv6 packet without extension headers, padding behind it allowed."""
    total = 40 + int.from_bytes(packet[4:6], "big")
    if total > len(packet) or any(packet[total:]):
        return "IPv6 length"
    return transport_problem(packet[6], packet[8:40], packet[40:total])


def transport_problem(protocol: int, addresses: bytes, segment: bytes) -> str | None:
    """What is wrong with a TCP, UDP, ICMP or ICMPv6 message between `addresses`."""
    name = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}.get(protocol)
    if name is None:
        return f"protocol {protocol}"
    if name == "UDP" and (int.from_bytes(segment[4:6], "big") != len(segment) or segment[6:8] == b"\0\0"):
        return "UDP length or absent checksum"
    pseudo = b"" if name == "ICMP" else addresses + struct.pack(">II", protocol, len(segment))
    return None if ones_complement_sum(pseudo + segment) == 0xFFFF else f"{name} checksum"
