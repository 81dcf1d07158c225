"""Information elements: which number means what to us, by IANA's registry of IPFIX; NetFlow 9 has the same to 127.

An element that is not here is skipped by its length, so templates of any vendor can be read. Elements of the
enterprise 29305 are those of the other direction (RFC 5103).
"""

from __future__ import annotations

from typing import NamedTuple

from probes.exporters import layout as at

REVERSE_ENTERPRISE = 29305


class Meaning(NamedTuple):
    """What a field is for: an operation of layout.py, and the name of its column."""

    operation: int
    column: str


NUMBERS: dict[int, Meaning] = {
    1: Meaning(at.NUMBER, "bytes"),
    2: Meaning(at.NUMBER, "packets"),
    4: Meaning(at.NUMBER, "protocol"),
    5: Meaning(at.NUMBER, "tos"),
    6: Meaning(at.NUMBER, "tcp_flags"),
    7: Meaning(at.NUMBER, "src_port"),
    8: Meaning(at.ADDRESS4, "src_high"),
    10: Meaning(at.NUMBER, "in_interface"),
    11: Meaning(at.NUMBER, "dst_port"),
    12: Meaning(at.ADDRESS4, "dst_high"),
    14: Meaning(at.NUMBER, "out_interface"),
    16: Meaning(at.NUMBER, "src_as"),
    17: Meaning(at.NUMBER, "dst_as"),
    21: Meaning(at.UPTIME, "last"),
    22: Meaning(at.UPTIME, "first"),
    23: Meaning(at.IF_ABSENT, "bytes"),  # after the device: only where it counts nothing before
    24: Meaning(at.IF_ABSENT, "packets"),
    25: Meaning(at.SIZE, "size_min"),
    26: Meaning(at.SIZE, "size_max"),
    27: Meaning(at.ADDRESS6, "src_high"),
    28: Meaning(at.ADDRESS6, "dst_high"),
    32: Meaning(at.ICMP_BOTH, "icmp"),
    34: Meaning(at.NUMBER, "sampling"),
    48: Meaning(at.NUMBER, "sampler"),
    50: Meaning(at.NUMBER, "sampling"),
    52: Meaning(at.NUMBER, "ttl_min"),
    53: Meaning(at.NUMBER, "ttl_max"),
    56: Meaning(at.NUMBER, "src_mac"),
    57: Meaning(at.IF_ABSENT, "dst_mac"),
    58: Meaning(at.NUMBER, "vlan"),
    70: Meaning(at.LABEL_ENTRY, "mpls"),
    80: Meaning(at.NUMBER, "dst_mac"),
    81: Meaning(at.IF_ABSENT, "src_mac"),
    85: Meaning(at.IF_ABSENT, "bytes"),
    86: Meaning(at.IF_ABSENT, "packets"),
    136: Meaning(at.NUMBER, "end_reason"),
    139: Meaning(at.ICMP_BOTH, "icmp"),
    150: Meaning(at.SECONDS, "first"),
    151: Meaning(at.SECONDS, "last"),
    152: Meaning(at.MILLISECONDS, "first"),
    153: Meaning(at.MILLISECONDS, "last"),
    154: Meaning(at.NTP, "first"),
    155: Meaning(at.NTP, "last"),
    156: Meaning(at.NTP, "first"),
    157: Meaning(at.NTP, "last"),
    158: Meaning(at.MICROSECONDS_AGO, "first"),
    159: Meaning(at.MICROSECONDS_AGO, "last"),
    160: Meaning(at.MILLISECONDS, "system_start"),
    161: Meaning(at.MILLISECONDS_LONG, "duration"),
    162: Meaning(at.MICROSECONDS_LONG, "duration"),
    176: Meaning(at.ICMP_TYPE, "icmp"),
    177: Meaning(at.ICMP_CODE, "icmp"),
    178: Meaning(at.ICMP_TYPE, "icmp"),
    179: Meaning(at.ICMP_CODE, "icmp"),
    180: Meaning(at.IF_ABSENT, "src_port"),
    181: Meaning(at.IF_ABSENT, "dst_port"),
    182: Meaning(at.IF_ABSENT, "src_port"),
    183: Meaning(at.IF_ABSENT, "dst_port"),
    192: Meaning(at.NUMBER, "ttl_max"),
    231: Meaning(at.NUMBER, "bytes"),  # initiator and responder: of firewalls, which export both directions at once
    232: Meaning(at.NUMBER, "reverse_bytes"),
    243: Meaning(at.IF_ABSENT, "vlan"),
    252: Meaning(at.IF_ABSENT, "in_interface"),
    253: Meaning(at.IF_ABSENT, "out_interface"),
    256: Meaning(at.NUMBER, "ethertype"),
    298: Meaning(at.NUMBER, "packets"),
    299: Meaning(at.NUMBER, "reverse_packets"),
    302: Meaning(at.NUMBER, "sampler"),
    305: Meaning(at.NUMBER, "sampling"),
    306: Meaning(at.NUMBER, "sampling_space"),
    322: Meaning(at.SECONDS, "last"),
    323: Meaning(at.MILLISECONDS, "last"),
    324: Meaning(at.NTP, "last"),
    325: Meaning(at.NTP, "last"),
}

# Elements of options that are read one by one: what they tell of interfaces and samplers.
INTERFACES = frozenset({10, 14, 252, 253})
INTERFACE_NAMES = (82, 83)  # the name first, the description where there is none
SAMPLERS = (48, 302)
SAMPLING_INTERVALS = (34, 50)
SAMPLING_PACKETS, SAMPLING_SPACE = 305, 306
SCOPE_SYSTEM, SCOPE_INTERFACE = 1, 2  # scopes of NetFlow 9 (RFC 3954, section 6.1)


def meaning(enterprise: int, number: int) -> Meaning | None:
    """Return what a field is for, None when it is to be skipped."""
    if enterprise == 0:
        return NUMBERS.get(number)
    found = NUMBERS.get(number) if enterprise == REVERSE_ENTERPRISE else None
    if found is None or found.column not in at.SIDE:
        return None
    return Meaning(found.operation, f"reverse_{found.column}")
