"""Columns of a decoded flow record: one int64 row, whatever template it came by.

A side is what one direction has: the record's own first, then the reverse one of a biflow (RFC 5103) or of the record
that was found to be the answer.
"""

from __future__ import annotations

SIDE = (
    *("first", "last", "packets", "bytes", "tcp_flags", "tos", "ttl_min", "ttl_max", "size_min", "size_max"),
    *("in_interface", "out_interface", "vlan", "mpls", "app_bytes"),
)
KEY = (
    *("exporter", "ordinal", "arrived", "src_high", "src_low", "dst_high", "dst_low"),
    *("ethertype", "protocol", "src_port", "dst_port", "icmp", "src_mac", "dst_mac", "src_as", "dst_as"),
    *("end_reason", "sampler", "sampling", "sampling_space", "duration", "biflow", "gathered", "system_start"),
)
COLUMNS = (*KEY, *SIDE, *(f"reverse_{name}" for name in SIDE))
PLACES = {name: place for place, name in enumerate(COLUMNS)}
WIDTH = len(COLUMNS)
FORWARD, REVERSE, SIDES = len(KEY), len(KEY) + len(SIDE), len(SIDE)
(
    EXPORTER,
    ORDINAL,
    ARRIVED,
    SRC_HIGH,
    SRC_LOW,
    DST_HIGH,
    DST_LOW,
    ETHERTYPE,
    PROTOCOL,
    SRC_PORT,
    DST_PORT,
    ICMP,
    SRC_MAC,
    DST_MAC,
    SRC_AS,
    DST_AS,
    END_REASON,
    SAMPLER,
    SAMPLING,
    SAMPLING_SPACE,
    DURATION,
    BIFLOW,
    GATHERED,
    SYSTEM_START,
) = range(FORWARD)
# Within a side.
(
    FIRST,
    LAST,
    PACKETS,
    BYTES,
    TCP_FLAGS,
    TOS,
    TTL_MIN,
    TTL_MAX,
    SIZE_MIN,
    SIZE_MAX,
    IN_INTERFACE,
    OUT_INTERFACE,
    VLAN,
    MPLS,
    APP_BYTES,
) = range(SIDES)

ICMP_KNOWN = 1 << 16  # in column icmp, beside type << 8 | code: both may be 0
MAPPED_IPV4 = 0xFFFF << 32  # the low word of an IPv4 address mapped into IPv6 (RFC 4291)
IPV4, IPV6 = 0x0800, 0x86DD

# What to do with the bytes of a field.
(
    NUMBER,
    IF_ABSENT,
    ADDRESS4,
    ADDRESS6,
    SECONDS,
    MILLISECONDS,
    NTP,
    UPTIME,
    MICROSECONDS_AGO,
    ICMP_BOTH,
    ICMP_TYPE,
    ICMP_CODE,
    SIZE,
    LABEL_ENTRY,
    MICROSECONDS_LONG,
    MILLISECONDS_LONG,
) = range(16)
SKIPPED = -1
VARIABLE = 65535  # the length of a field that says its own (RFC 7011, section 7)
FIELD_COLUMNS = 3
(LENGTH, OPERATION, COLUMN) = range(FIELD_COLUMNS)

ITEM_COLUMNS = 11
(
    ITEM_BEGIN,  # of a set of records in the bytes
    ITEM_END,
    FIELDS_BEGIN,  # of its template in the table of fields
    FIELDS_END,
    SHORTEST,  # bytes of the shortest record
    ITEM_EXPORTER,
    ITEM_TIME,  # when the message was sent, ns
    ITEM_BOOT,  # when the exporter began to count milliseconds, ns
    ITEM_SAMPLING,  # of every record in it, 0 when it does not say
    ITEM_ARRIVED,
    ITEM_BIFLOW,  # 1 when its records tell of both directions
) = range(ITEM_COLUMNS)
