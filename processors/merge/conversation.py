"""The default key of racluster: who talks with whom over what, and what makes two directions one conversation.

It holds addresses, ethertype, protocol and ports (ICMP: type, code, identifier), the SPI for ESP and the network for
802.11. As measured with racluster 3.0.8.2, DNS transaction ids, ICMP sequence numbers, VLANs, MACs and the id of lone
fragments are no part of it. The network of VXLAN and Geneve is: its addresses may be those of another one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import rules
from processors.merge.layout import KEY_WORDS
from processors.merge.records import DST_PORT, ETHERTYPE, ICMP, ICMPV6, PROTOCOL, SRC_PORT, icmp_counterpart
from topics.compiled import inlined
from topics.flags import TunnelKind

COMPARED = 7  # words that make up the key; the last holds the ports as the other direction has them
SRC_HIGH, SRC_LOW, DST_HIGH, DST_LOW, PORTS, SEPARATOR, OBSERVER, TURNED_PORTS = range(KEY_WORDS)
ONE_WAY = -1  # in TURNED_PORTS: a key that has no other direction

SRC_ADDRESS, DST_ADDRESS = (rules.place(f"{side}_address", rules.WORDS) for side in ("src", "dst"))
OBSERVER_WORD = rules.place("observer", rules.WORDS)
DISCRIMINATOR = rules.place("discriminator", rules.INTS)
TUNNEL_KIND = rules.place("tunnel_kind", rules.OCTETS)
TUNNEL_ID = rules.place("tunnel_id", rules.INTS)
VXLAN, GENEVE = int(TunnelKind.VXLAN), int(TunnelKind.GENEVE)
ESP = 50
ARP, RARP, WLAN = 0x0806, 0x8035, 0x0019


@inlined
def mix(word: Any) -> Any:
    """Scatter the bits of a word (the finalizer of MurmurHash3)."""
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xFF51AFD7ED558CCD)
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xC4CEB9FE1A85EC53)
    return word ^ (word >> np.uint64(33))


@inlined
def _turned_ports(ethertype: Any, protocol: Any, src_port: Any, dst_port: Any) -> Any:
    """Ports as a record of the other direction has them, ONE_WAY where racluster never looks for one."""
    if protocol == ESP or ethertype in (ARP, RARP, WLAN):
        return ONE_WAY
    if protocol in (ICMP, ICMPV6):
        other = icmp_counterpart(protocol, src_port >> 8)
        return ONE_WAY if other < 0 else (other << 8 | src_port & 0xFF) | dst_port << 16
    return dst_port | src_port << 16


@inlined
def _separator(record: Any, row: Any, ethertype: Any, protocol: Any) -> Any:
    """Return what keeps conversations of the same ends and ports apart."""
    if protocol == ESP or ethertype == WLAN:
        return np.int64(record.ints[row, DISCRIMINATOR])
    if record.octets[row, TUNNEL_KIND] in (VXLAN, GENEVE):
        return (np.int64(record.ints[row, TUNNEL_ID]) << 1) | 1
    return np.int64(0)


@inlined
def conversation_key(record: Any, row: Any, observed: Any, seed: Any, key: Any) -> Any:
    """Write the key of a record (int64[KEY_WORDS]) and return its hash, the same for both directions.

    `observed` makes the observation point part of the key; `seed` keeps collisions from being made on purpose.
    """
    key[SRC_HIGH], key[SRC_LOW] = record.words[row, SRC_ADDRESS], record.words[row, SRC_ADDRESS + 1]
    key[DST_HIGH], key[DST_LOW] = record.words[row, DST_ADDRESS], record.words[row, DST_ADDRESS + 1]
    ethertype, protocol = np.int64(record.shorts[row, ETHERTYPE]), np.int64(record.octets[row, PROTOCOL])
    src_port, dst_port = np.int64(record.shorts[row, SRC_PORT]), np.int64(record.shorts[row, DST_PORT])
    upper = ethertype << 40 | protocol << 32
    turned = _turned_ports(ethertype, protocol, src_port, dst_port)
    key[PORTS] = upper | dst_port << 16 | src_port
    key[TURNED_PORTS] = ONE_WAY if turned == ONE_WAY else upper | turned
    key[SEPARATOR] = _separator(record, row, ethertype, protocol)
    key[OBSERVER] = record.words[row, OBSERVER_WORD] if observed else 0
    src = mix(np.uint64(key[SRC_LOW]) ^ mix(np.uint64(key[SRC_HIGH]) ^ seed))
    dst = mix(np.uint64(key[DST_LOW]) ^ mix(np.uint64(key[DST_HIGH]) ^ seed))
    ports = key[PORTS] if turned == ONE_WAY else min(key[PORTS], key[TURNED_PORTS])
    return mix((src + dst) ^ mix(np.uint64(ports) + seed) ^ np.uint64(key[SEPARATOR]) ^ np.uint64(key[OBSERVER]))


@inlined
def has_other_way(key: Any) -> Any:
    """Whether a record of the other direction could belong to the same conversation."""
    return key[TURNED_PORTS] != ONE_WAY


@inlined
def is_turned(stored: Any, key: Any) -> Any:
    """Whether a stored key is that of the other direction of `key`."""
    return (
        stored[PORTS] == key[TURNED_PORTS]
        and stored[SRC_LOW] == key[DST_LOW]
        and stored[DST_LOW] == key[SRC_LOW]
        and stored[SRC_HIGH] == key[DST_HIGH]
        and stored[DST_HIGH] == key[SRC_HIGH]
        and stored[SEPARATOR] == key[SEPARATOR]
        and stored[OBSERVER] == key[OBSERVER]
    )


@inlined
def turn(key: Any) -> None:
    """Make a key that of the other direction."""
    key[SRC_HIGH], key[DST_HIGH] = key[DST_HIGH], key[SRC_HIGH]
    key[SRC_LOW], key[DST_LOW] = key[DST_LOW], key[SRC_LOW]
    key[PORTS], key[TURNED_PORTS] = key[TURNED_PORTS], key[PORTS]


@inlined
def settle(key: Any) -> None:
    """Turn a key if need be, so that both directions of a conversation get the same one."""
    if not has_other_way(key):
        return
    if key[SRC_HIGH] != key[DST_HIGH]:
        swap = key[SRC_HIGH] > key[DST_HIGH]
    elif key[SRC_LOW] != key[DST_LOW]:
        swap = key[SRC_LOW] > key[DST_LOW]
    else:
        swap = key[PORTS] > key[TURNED_PORTS]
    if swap:
        turn(key)
