"""Rows into the bytes of a pcap file: headers layer by layer for all packets at once, noise for payload."""

from dataclasses import dataclass

import numpy as np

from tests.traffic.bulk.datagrams import PING_PAYLOAD
from tests.traffic.bulk.dns_forms import messages
from tests.traffic.bulk.noise import Noise
from tests.traffic.bulk.table import (
    ICMP,
    ICMPV6,
    SYN,
    TCP,
    UDP,
    Bytes,
    Integers,
    Mask,
    Rows,
    addresses_ipv4,
    addresses_ipv6,
    big_endian,
    hop_limits,
    macs,
)
from tests.traffic.packets import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6

RECORD_HEADER, ETHERNET_HEADER, ARP_LENGTH = 16, 14, 46
UNLIMITED = 1 << 30


@dataclass
class Canvas:
    """The bytes of many records: where each frame starts and ends, and the noise they are painted on."""

    buffer: Bytes
    starts: Integers
    ends: Integers
    truncated: bool

    def put(self, chosen: Integers, offset: Integers | int, rows: Bytes) -> None:
        """Write a row of bytes into each chosen frame at `offset`, as far as the frame was captured."""
        index = (self.starts[chosen] + offset)[:, None] + np.arange(rows.shape[1])
        if not self.truncated:
            self.buffer[index] = rows
            return
        kept = index < self.ends[chosen][:, None]
        self.buffer[index[kept]] = rows[kept]


def word_sums(rows: Bytes) -> Integers:
    """The sum of the 16-bit words of each row."""
    padded = np.hstack([rows, np.zeros((len(rows), 1), np.uint8)]) if rows.shape[1] % 2 else rows
    sums: Integers = np.ascontiguousarray(padded).view(">u2").sum(axis=1, dtype=np.int64)
    return sums


def folded(sums: Integers) -> Bytes:
    """The checksum in two bytes of each sum of words (RFC 1071)."""
    sums = (sums & 0xFFFF) + (sums >> 16)
    sums = (sums & 0xFFFF) + (sums >> 16)
    return big_endian(0xFFFF - sums, 2)


def network_lengths(rows: Rows) -> Integers:
    """Length of the IPv4 or IPv6 header, 0 for ARP."""
    version = rows["version"]
    return np.where(version == 4, 20, np.where(version == 6, 40, 0))


def transport_lengths(rows: Rows) -> Integers:
    """Length of the transport header with options: TCP has the usual ones on SYN, timestamps on all others."""
    tcp = np.where((rows["flags"] & SYN) > 0, 40, 32)
    lengths = np.where(rows["protocol"] == TCP, tcp, 8)
    return np.where(rows["version"] == 0, ARP_LENGTH, lengths)


def frame_lengths(rows: Rows) -> Integers:
    """Length on the wire without FCS."""
    lengths: Integers = ETHERNET_HEADER + network_lengths(rows) + transport_lengths(rows) + rows["payload"]
    return lengths


def render(rows: Rows, noise: Noise, first_second: int, snaplen: int) -> Bytes:
    """pcap records (little-endian, microseconds) of `rows` in their order; `snaplen` 0 keeps whole packets."""
    lengths = frame_lengths(rows)
    captured = np.minimum(lengths, snaplen or UNLIMITED)
    ends = np.cumsum(captured + RECORD_HEADER)
    canvas = Canvas(noise.buffer(int(ends[-1])), ends - captured, ends, bool(np.any(captured < lengths)))
    put_record_headers(canvas, rows, first_second, captured, lengths)
    put_link(canvas, rows)
    put_network(canvas, rows)
    put_transport(canvas, rows, noise)
    return canvas.buffer


def put_record_headers(canvas: Canvas, rows: Rows, first_second: int, captured: Integers, lengths: Integers) -> None:
    """The 16 bytes before each frame."""
    seconds, microseconds = np.divmod(rows["time"], 1_000_000)
    header = np.stack([seconds + first_second, microseconds, captured, lengths], axis=1).astype("<u4")
    index = (canvas.starts - RECORD_HEADER)[:, None] + np.arange(RECORD_HEADER)
    canvas.buffer[index] = header.view(np.uint8)


def put_link(canvas: Canvas, rows: Rows) -> None:
    """Ethernet; ARP requests go to all."""
    ethertype = np.array([ETHERTYPE_ARP, 0, 0, 0, ETHERTYPE_IPV4, 0, ETHERTYPE_IPV6])[rows["version"]]
    destination = macs(rows["destination"])
    destination[(rows["version"] == 0) & (rows["flags"] == 1)] = 0xFF
    header = np.hstack([destination, macs(rows["source"]), big_endian(ethertype, 2)])
    canvas.put(np.arange(len(rows)), 0, header)


def put_network(canvas: Canvas, rows: Rows) -> None:
    """IPv4, IPv6 and ARP."""
    for version, header in ((4, ipv4_headers), (6, ipv6_headers), (0, arp_packets)):
        chosen = np.flatnonzero(rows["version"] == version)
        canvas.put(chosen, ETHERNET_HEADER, header(rows[chosen]))


def ipv4_headers(rows: Rows) -> Bytes:
    """20 bytes each."""
    header = np.zeros((len(rows), 20), np.uint8)
    header[:, 0] = 0x45
    header[:, 2:4] = big_endian(frame_lengths(rows) - ETHERNET_HEADER, 2)
    header[:, 4:6] = big_endian(rows["identification"], 2)
    header[:, 6] = np.where(rows["protocol"] == TCP, 0x40, 0)
    header[:, 8] = hop_limits(rows["source"])
    header[:, 9] = rows["protocol"]
    header[:, 12:16] = addresses_ipv4(rows["source"])
    header[:, 16:20] = addresses_ipv4(rows["destination"])
    header[:, 10:12] = folded(word_sums(header))
    return header


def ipv6_headers(rows: Rows) -> Bytes:
    """40 bytes each."""
    header = np.zeros((len(rows), 40), np.uint8)
    header[:, 0] = 0x60
    header[:, 4:6] = big_endian(frame_lengths(rows) - ETHERNET_HEADER - 40, 2)
    header[:, 6] = rows["protocol"]
    header[:, 7] = hop_limits(rows["source"])
    header[:, 8:24] = addresses_ipv6(rows["source"])
    header[:, 24:40] = addresses_ipv6(rows["destination"])
    return header


def arp_packets(rows: Rows) -> Bytes:
    """28 bytes each and the padding to the shortest frame."""
    packet = np.zeros((len(rows), ARP_LENGTH), np.uint8)
    packet[:, :7] = (0, 1, 8, 0, 6, 4, 0)
    packet[:, 7] = rows["flags"]
    packet[:, 8:14] = macs(rows["source"])
    packet[:, 14:18] = addresses_ipv4(rows["source"])
    packet[:, 18:24] = np.where((rows["flags"] == 1)[:, None], 0, macs(rows["destination"]))
    packet[:, 24:28] = addresses_ipv4(rows["destination"])
    return packet


def put_transport(canvas: Canvas, rows: Rows, noise: Noise) -> None:
    """TCP, UDP with DNS, ICMP and ICMPv6: what they carry, then the header with the checksum over all of it."""
    protocol, offset = rows["protocol"], ETHERNET_HEADER + network_lengths(rows)
    payload_sums = noise.word_sums(canvas.starts + offset + transport_lengths(rows), rows["payload"].astype(np.int64))
    put_messages(canvas, rows, payload_sums)
    put_pings(canvas, rows, payload_sums)
    is_tcp, has_address = protocol == TCP, rows["version"] != 0
    opens = (rows["flags"] & SYN) > 0
    groups: tuple[tuple[Mask, int, int], ...] = (
        (is_tcp & opens, 40, 16),
        (is_tcp & ~opens, 32, 16),
        (protocol == UDP, 8, 6),
        (has_address & ((protocol == ICMP) | (protocol == ICMPV6)), 8, 2),
    )
    for mask, length, checksum_offset in groups:
        chosen = np.flatnonzero(mask)
        header = transport_headers(rows[chosen], length)
        sums = word_sums(header) + payload_sums[chosen] + pseudo_header_sums(rows[chosen])
        header[:, checksum_offset : checksum_offset + 2] = folded(sums)
        if checksum_offset == 6:
            header[~header[:, 6:8].any(axis=1), 6:8] = 0xFF
        canvas.put(chosen, offset[chosen], header)


def put_messages(canvas: Canvas, rows: Rows, payload_sums: Integers) -> None:
    """DNS messages, form by form."""
    for form in np.unique(rows["form"][rows["form"] > 0]):
        chosen = np.flatnonzero(rows["form"] == form)
        filled = messages(int(form), rows[chosen])
        payload_sums[chosen] = word_sums(filled)
        canvas.put(chosen, ETHERNET_HEADER + network_lengths(rows[chosen]) + 8, filled)


def put_pings(canvas: Canvas, rows: Rows, payload_sums: Integers) -> None:
    """What a reply has to bring back."""
    chosen = np.flatnonzero((rows["version"] > 0) & ((rows["protocol"] == ICMP) | (rows["protocol"] == ICMPV6)))
    pattern = np.tile(np.arange(8, 8 + PING_PAYLOAD, dtype=np.uint8), (len(chosen), 1))
    payload_sums[chosen] = word_sums(pattern)
    canvas.put(chosen, ETHERNET_HEADER + network_lengths(rows[chosen]) + 8, pattern)


def pseudo_header_sums(rows: Rows) -> Integers:
    """What TCP, UDP and ICMPv6 checksums cover besides the segment; ICMP covers nothing else."""
    ends = rows["source"], rows["destination"]
    ipv4 = sum((word_sums(addresses_ipv4(host)) for host in ends), np.zeros(len(rows), np.int64))
    ipv6 = sum((word_sums(addresses_ipv6(host)) for host in ends), np.zeros(len(rows), np.int64))
    length = transport_lengths(rows) + rows["payload"]
    sums = np.where(rows["version"] == 6, ipv6, ipv4) + rows["protocol"] + length
    return np.where(rows["protocol"] == ICMP, 0, sums)


def transport_headers(rows: Rows, length: int) -> Bytes:
    """Headers of `length` bytes with zeros for the checksum; all of `rows` have the same protocol and options."""
    header = np.zeros((len(rows), length), np.uint8)
    if length >= 32:
        fill_tcp(header, rows)
    elif len(rows) and rows["protocol"][0] == UDP:
        header[:, 0:2], header[:, 2:4] = big_endian(rows["source_port"], 2), big_endian(rows["destination_port"], 2)
        header[:, 4:6] = big_endian(rows["payload"] + np.uint16(8), 2)
    else:
        header[:, 0] = rows["flags"]
        header[:, 4:6], header[:, 6:8] = big_endian(rows["source_port"], 2), big_endian(rows["number"], 2)
    return header


def fill_tcp(header: Bytes, rows: Rows) -> None:
    """TCP with timestamps in ms, and with maximum segment size, SACK and window scale on SYN."""
    header[:, 0:2], header[:, 2:4] = big_endian(rows["source_port"], 2), big_endian(rows["destination_port"], 2)
    header[:, 4:8], header[:, 8:12] = big_endian(rows["sequence"], 4), big_endian(rows["acknowledgement"], 4)
    header[:, 12] = header.shape[1] // 4 << 4
    header[:, 13] = rows["flags"]
    header[:, 14:16] = big_endian(rows["window"], 2)
    opens = header.shape[1] == 40
    header[:, 20 : 26 if opens else 22] = (2, 4, 5, 0xB4, 4, 2) if opens else (1, 1)
    stamps = 26 if opens else 22
    header[:, stamps : stamps + 2] = (8, 10)
    clock = rows["time"] // 1000
    answers = (rows["flags"] & 0x10) > 0
    header[:, stamps + 2 : stamps + 6] = big_endian((clock + rows["source"] * 65_537) % 2**32, 4)
    header[:, stamps + 6 : stamps + 10] = big_endian(answers * (clock + rows["destination"] * 65_537) % 2**32, 4)
    if opens:
        header[:, 36:40] = (1, 3, 3, 7)
