"""Which of several rings a packet goes to: a filter program that sends all that belongs together the same way.

Packets are told apart by their pair of addresses, whatever the direction. So both directions of a flow, all fragments
of a datagram and the ICMP errors about a flow (by the packet that they quote) meet in one ring; the hash of the
operating system would part them, since only some of these carry ports. Other protocols go by that hash.
"""

from __future__ import annotations

from probes.packet_filter.program import Instruction

NETWORK, PROTOCOL, HASH = -0x100000, -0x1000, -0x1000 + 32  # places outside the packet, <linux/filter.h>
LOAD, LOAD_HALF, LOAD_BYTE, LOAD_AT, LOAD_BYTE_AT, HEADER_LENGTH = 0x20, 0x28, 0x30, 0x40, 0x50, 0xB1
STORE, RECALL, ADD_X, MULTIPLY, SHIFT, TO_X = 0x02, 0x61, 0x0C, 0x24, 0x74, 0x07
JUMP, EQUAL, AT_LEAST, RETURN = 0x05, 0x15, 0x35, 0x16

IPV4, IPV6, ICMP, ICMPV6 = 0x0800, 0x86DD, 1, 58
ICMP_ERRORS = (3, 4, 5, 11, 12)
FIRST_ICMPV6_QUERY = 128
GOLDEN = 0x9E3779B1


def _do(code: int, value: int = 0) -> Instruction:
    return Instruction(code, 0, 0, value & 0xFFFFFFFF)


def _when(code: int, value: int, then: list[Instruction]) -> list[Instruction]:
    return [Instruction(code, 0, len(then), value), *then]


def _unless(code: int, value: int, then: list[Instruction]) -> list[Instruction]:
    return [Instruction(code, len(then), 0, value), *then]


# The sum of two addresses does not depend on their order.
SPREAD = [_do(MULTIPLY, GOLDEN), _do(SHIFT, 16), _do(RETURN)]


def _pair(load: int, first: int, second: int) -> list[Instruction]:
    words = [_do(load, NETWORK + first), _do(STORE, 0), _do(load, NETWORK + second), _do(RECALL, 0), _do(ADD_X)]
    return [*words, *SPREAD]


def _ipv6(at: int) -> list[Instruction]:
    words = [at + offset for offset in (8, 12, 16, 20, 24, 28, 32, 36)]
    code = [_do(LOAD, NETWORK + words[0])]
    for word in words[1:]:
        code += [_do(TO_X), _do(LOAD, NETWORK + word), _do(ADD_X)]
    return [*code, *SPREAD]


def _ipv4_error() -> list[Instruction]:
    quoted = _pair(LOAD_AT, 20, 24)  # from the ICMP header on: eight bytes of it, then the addresses of what is quoted
    kinds = [Instruction(EQUAL, len(ICMP_ERRORS) - number, 0, kind) for number, kind in enumerate(ICMP_ERRORS)]
    return [_do(HEADER_LENGTH, NETWORK), _do(LOAD_BYTE_AT, NETWORK), *kinds, _do(JUMP, len(quoted)), *quoted]


def _ipv6_error() -> list[Instruction]:
    return [_do(LOAD_BYTE, NETWORK + 40), *_unless(AT_LEAST, FIRST_ICMPV6_QUERY, _ipv6(48))]


BALANCE = [
    _do(LOAD_HALF, PROTOCOL),
    *_when(EQUAL, IPV4, [_do(LOAD_BYTE, NETWORK + 9), *_when(EQUAL, ICMP, _ipv4_error()), *_pair(LOAD, 12, 16)]),
    *_when(EQUAL, IPV6, [_do(LOAD_BYTE, NETWORK + 6), *_when(EQUAL, ICMPV6, _ipv6_error()), *_ipv6(0)]),
    _do(LOAD, HASH),
    _do(RETURN),
]
