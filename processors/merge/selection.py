"""Keys of chosen fields, as `racluster -m` makes them: records are made to fit them, then their octets are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from processors.merge import rules
from processors.merge.conversation import ARP, DISCRIMINATOR, ESP, RARP
from processors.merge.layout import COMPUTED_WORDS, KIND, PROTOCOL_NUMBER, SPI
from processors.merge.records import (
    ETHERTYPE,
    IPV4,
    IPV6,
    PROTOCOL,
    borrowed_views,
    copy_record,
    mask_address,
    reverse_record,
)
from processors.merge.table import hash_words
from topics.compiled import inlined, kernel

SRC_ADDRESS, DST_ADDRESS = (rules.place(f"{side}_address") for side in ("src", "dst"))
ADDRESS_SIZE = 16
MAPPED_BITS = 96  # before an IPv4 address that is mapped into IPv6
IPV4_BITS = 32

MIXED = 0  # ethertype of what was merged over IPv4 and IPv6


@inlined
def _kind(ethertype: Any) -> Any:
    """Return one of the kinds of flow that racluster never merges by address."""
    if ethertype == IPV4:
        return 1
    if ethertype == IPV6:
        return 2
    if ethertype == ARP:
        return 3
    return 4 if ethertype == RARP else 5


@inlined
def selected_key(record: Any, row: Any, computed: Any, octets: Any, seed: Any, key: Any) -> Any:
    """Write the key of chosen fields (int64, as wide as it takes) and return its hash."""
    ethertype = np.int64(record.shorts[row, ETHERTYPE])
    protocol = np.int64(record.octets[row, PROTOCOL])
    is_ip = ethertype in (IPV4, IPV6) or (ethertype == MIXED and protocol > 0)
    key[:] = 0
    if computed & KIND:
        key[0] = _kind(ethertype)
    if computed & PROTOCOL_NUMBER:
        key[0] |= (protocol if is_ip else 1 << 16 | ethertype) << 8
    if computed & SPI and is_ip and protocol == ESP:
        key[1] = np.int64(record.ints[row, DISCRIMINATOR])
    for number in range(len(octets)):
        octet = np.int64(record.octets[row, octets[number, 0]]) & octets[number, 1]
        key[COMPUTED_WORDS + number // 8] |= octet << 8 * (number % 8)
    return hash_words(key, seed)


@inlined
def _src_comes_after(record: Any, row: Any) -> Any:
    for octet in range(ADDRESS_SIZE):
        src, dst = record.octets[row, SRC_ADDRESS + octet], record.octets[row, DST_ADDRESS + octet]
        if src != dst:
            return src > dst
    return False


@inlined
def _shorten(record: Any, row: Any, masks: Any) -> None:
    """Cut addresses of IP to the bits asked for; a length beyond that of the address cuts nothing."""
    ethertype = record.shorts[row, ETHERTYPE]
    if ethertype not in (IPV4, IPV6):
        return
    for index in range(len(masks)):
        word, length, bits = masks[index, 0], masks[index, 1], masks[index, 2]
        if ethertype == IPV4:
            bits = MAPPED_BITS + min(IPV4_BITS, bits)
        mask_address(record.octets, row, word, bits)
        if length >= 0:
            record.octets[row, length] = min(np.int64(record.octets[row, length]), bits)


@kernel
def fit(record: Any, masks: Any, zeroed: Any, matrix: Any) -> None:
    """Change records in place so that those of one key agree in it.

    `masks` rows of (word, place of the prefix length or -1, bits); `zeroed` rows of (offset, octets) to clear; with
    `matrix`, records are turned so that the smaller address is the source, ARP left alone, as racluster does.
    """
    record = borrowed_views(record)
    for row in range(len(record.words)):
        if matrix and record.shorts[row, ETHERTYPE] not in (ARP, RARP) and _src_comes_after(record, row):
            reverse_record(record, row)
        _shorten(record, row, masks)
        for index in range(len(zeroed)):
            for octet in range(zeroed[index, 0], zeroed[index, 0] + zeroed[index, 1]):
                record.octets[row, octet] = 0


@kernel
def both_ways(rows: Any, record: Any) -> None:
    """Write each record (int64 rows) to `record` as it is and then turned round: `racluster -M rmon`."""
    record = borrowed_views(record)
    for row in range(len(rows)):
        copy_record(record.words, 2 * row, rows, row)
        copy_record(record.words, 2 * row + 1, rows, row)
        reverse_record(record, 2 * row + 1)
