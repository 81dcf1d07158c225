"""Numbers of the record format of Argus, versions 3 and 5: what both directions of the translation share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topics.record import FLOW_DTYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

WORD = 4  # bytes: everything is aligned to that, and lengths count it
VERSIONS = (3, 5)
COOKIES = {3: 0xE5712DCB, 5: 0xE57150CB}

# Kinds of record: the high half of the first byte.
MANAGEMENT, FLOW, INDEX, FROM_NETFLOW, EVENT, AGGREGATE_FLOW, SUPPLEMENT, ARCHIVAL = 8, 1, 2, 3, 4, 5, 6, 7

# Causes: the high half of the second byte.
START, STATUS, STOP, TIMEOUT, FLUSH, SHUTDOWN, CLOSED, ERROR = range(1, 9)

# Parts of a record (DSRs): the first byte of each.
TRANSPORT, KEY, TIME, HASH, TIME_ADJUST = 0x01, 0x02, 0x03, 0x07, 0x09
METRIC, SIZES, ENCAPSULATIONS, NETWORK, ORIGINS, ICMP_ERROR = 0x10, 0x12, 0x20, 0x30, 0x32, 0x34
VLAN, GRE, MAC, VXLAN, MPLS, GENEVE, JITTER, IP_ATTRIBUTES = 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x48
DATA, BEHAVIOR, AGGREGATION, CORRELATION, COUNTRY, LABEL = 0x50, 0x54, 0x60, 0x62, 0x64, 0x66

# Subtypes of NETWORK.
TCP_INIT, TCP_STATUS, TCP_PERFORMANCE, RTCP, RTP, ESP_STATE = 3, 4, 5, 9, 10, 0x38
TCP_SIDE_3, TCP_SIDE_5 = 12, 13  # words of one direction in TCP_PERFORMANCE

# Histograms: bits of the subtype of SIZES for the sides and for counts behind them, of that of JITTER.
SIZES_OF_SOURCE, SIZES_OF_DESTINATION, SIZES_COUNTED, TIMES_COUNTED = 1, 2, 4, 1

# Kinds of source id: the qualifier of TRANSPORT.
ID_IPV4, ID_IPV6, ID_NUMBER, ID_TEXT, ID_UUID, WITH_INTERFACE = 0x01, 0x02, 0x20, 0x21, 0x22, 0x10
SOURCE_WORDS = 6  # of one source in the table of sources: qualifier, four of the id, one of the interface

# Kinds of flow key: the low five bits of the qualifier of KEY.
KEY_IPV4, KEY_IPV6, KEY_ETHERNET, KEY_ARP, KEY_RARP, KEY_WLAN, KEY_ISIS = 1, 2, 3, 4, 5, 8, 10
MASKS_VALID, FRAGMENT, REVERSED = 0x40, 0x80, 0x40
PUT_RIGHT = 0x20  # of the qualifier: a client has exchanged the ends
FIVE_TUPLE, ARP_KEY = 1, 6

MICROSECONDS, NANOSECONDS = 0x18, 0x19  # qualifiers of TIME
BOTH, OF_SOURCE, OF_DESTINATION = 0, 1, 2

FIELDS: Mapping[str, Any] = FLOW_DTYPE.fields or {}
RECORD_BYTES = FLOW_DTYPE.itemsize


def word_of(name: str) -> int:
    """Return where a field begins in a record taken as 32-bit words."""
    return int(FIELDS[name][1]) // WORD


# IP options: the bit of Argus, the bit of topics/flags.py.
IP_OPTIONS = ((0x01, 0x10), (0x02, 0x04), (0x04, 0x08), (0x08, 0x02), (0x20, 0x01), (0x40, 0x20), (0x10, 0x40))
