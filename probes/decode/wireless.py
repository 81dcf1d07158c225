"""IEEE 802.11 frames: who sends to whom, in which network."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.load import be16, be48, le16, u8
from topics.compiled import inlined
from topics.flags import Encapsulation, FlowFlags

WLAN_BIT = int(Encapsulation.WLAN)
NOT_CAPTURED = int(FlowFlags.HEADER_NOT_CAPTURED)

MANAGEMENT, DATA = 0, 2
TO_SYSTEM, FROM_SYSTEM, PROTECTED = 0x100, 0x200, 0x4000
NO_DATA, QUALITY_OF_SERVICE = 0x40, 0x80  # bits of the subtype of data frames
HEADER = 24
MAX_ELEMENTS = 64
SNAP = 0xAAAA
# Bytes of fixed fields before the elements of a management frame, by subtype (802.11, 9.3.3).
ASSOCIATION_REQUEST, REASSOCIATION_REQUEST, PROBE_REQUEST, PROBE_RESPONSE, BEACON = 0, 2, 4, 5, 8
NETWORK_NAME = 0  # element


@inlined
def _name_at(data: Any, at: int, end: int, subtype: int) -> Any:
    """Offset of the element with the name of the network; 0 when the frame has none."""
    if subtype == PROBE_REQUEST:
        fixed = 0
    elif subtype == ASSOCIATION_REQUEST:
        fixed = 4
    elif subtype == REASSOCIATION_REQUEST:
        fixed = 10
    elif subtype in (PROBE_RESPONSE, BEACON):
        fixed = 12
    else:
        return 0
    place = at + HEADER + fixed
    for _ in range(MAX_ELEMENTS):
        if place + 2 > end:
            return 0
        if u8(data, place) == NETWORK_NAME:
            return place if place + 2 + u8(data, place + 1) <= end else 0
        place += 2 + u8(data, place + 1)
    return 0


@inlined
def _network(data: Any, at: int, end: int, subtype: int, is_management: bool) -> Any:
    """Hash of the BSSID and, in management frames, the name of the network: what Argus keeps such flows apart by."""
    hashed = np.uint64(be48(data, at + 16)) * np.uint64(0x9E3779B97F4A7C15)
    if is_management:
        name = _name_at(data, at, end, subtype)
        if name:
            for place in range(name + 1, name + 2 + u8(data, name + 1)):
                hashed = (hashed ^ np.uint64(u8(data, place))) * np.uint64(0x100000001B3)
    return np.int64(hashed >> np.uint64(32))


@inlined
def wireless(data: Any, at: int, end: int, padded: bool, row: Any) -> Any:
    """Return (offset of the LLC header, whether the frame carries one in the clear) and fill the link columns.

    Frames without one are flows between transmitter and receiver, in one direction, as in Argus.
    """
    row[h.ENCAPSULATIONS] |= WLAN_BIT
    if at + 10 > end:
        row[h.FLAGS] |= NOT_CAPTURED
        return at, False
    control = le16(data, at)
    kind, subtype = (control >> 2) & 3, (control >> 4) & 15
    row[h.DST_MAC] = be48(data, at + 4)
    if at + 16 <= end:
        row[h.SRC_MAC] = be48(data, at + 10)
    if at + HEADER > end:
        return at, False
    header = HEADER + (6 if control & 0x300 == 0x300 else 0) + (2 if control & QUALITY_OF_SERVICE else 0)
    if padded:
        header = (header + 3) & ~3
    plain = kind == DATA and not control & PROTECTED and not control & NO_DATA
    if not plain or at + header + 8 > end or be16(data, at + header) != SNAP:
        if kind in (MANAGEMENT, DATA):
            row[h.DISCRIMINATOR] = _network(data, at, end, subtype, kind == MANAGEMENT)
        return at, False
    source = 16 if control & FROM_SYSTEM else 10
    if control & 0x300 == 0x300:
        source = 24
    row[h.SRC_MAC] = be48(data, at + source)
    row[h.DST_MAC] = be48(data, at + (16 if control & TO_SYSTEM else 4))
    return at + header, True
