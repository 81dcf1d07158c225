"""Argus records to records of ours, in one pass over 32-bit words. Every length is checked before it is followed.

Layouts are those that argus 3.0.8 and 5.0.3 were seen to write; docs/guides/argus-files.md says what has no field here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.decode.attributes import take_attributes
from topics.argus.decode.counters import take_counters, take_sizes
from topics.argus.decode.identity import finish, identify, sequence_number, source_number
from topics.argus.decode.intervals import take_aggregation, take_intervals
from topics.argus.decode.key import take_key
from topics.argus.decode.labels import take_labels
from topics.argus.decode.payload import take_payload, take_tunnel
from topics.argus.decode.times import take_times
from topics.argus.decode.transport import take_transport
from topics.argus.decode.words import INT64, IS_ADJUSTED, ROUTER, SEVERAL_MACS, copy_bytes, mapped_ipv4
from topics.compiled import kernel
from topics.flags import Cause
from topics.histograms import VECTOR_BYTES

# State of a call: what the kernel tells besides how far it came.
ROWS, HEAP_USED, WHY, PLACE, FLOWS, OTHERS, UNKNOWN, MANAGEMENT_RECORDS, EVENT_RECORDS, NOTED, SOURCES, STATE = range(
    12
)
END, FULL, NEW_SOURCE, MANY_NOTED, NO_LENGTH, BAD_VERSION, BAD_PART = range(7)
LABEL_ROOM = 128  # bytes of text for what is no text in a record of Argus: countries and origin AS
ROOM = LABEL_ROOM + 2 * VECTOR_BYTES
FIRST, LEAST_SEQUENCE = Cause.START, 1
CAUSES = np.full(16, Cause.STATUS, np.uint8)
CAUSES[at.START], CAUSES[at.STOP], CAUSES[at.TIMEOUT] = Cause.START, Cause.CLOSE, Cause.TIMEOUT
CAUSES[at.FLUSH], CAUSES[at.SHUTDOWN], CAUSES[at.CLOSED] = Cause.SHUTDOWN, Cause.SHUTDOWN, Cause.CLOSE
CAUSES[at.ERROR] = Cause.EVICTED


@kernel
def decode(
    words: Any,
    raw: Any,
    floats: Any,
    turned_floats: Any,
    octets: Any,
    start: Any,
    out: Any,
    out32: Any,
    heap: Any,
    sources: Any,
    observers: Any,
    noted: Any,
    state: Any,
) -> Any:
    """Decode records from word `start` on; return the word of the first one that was not taken.

    `words`, `raw`, `floats`, `turned_floats` and `octets` are the same bytes: as words of the network and of memory, as
    floats likewise, and plain.
    `out` has zeroed rows, `out32` is the same as words. `noted` takes the place and the kind of management and event
    records. `state[WHY]` says why it ended; where that is NEW_SOURCE, row state[SOURCES] of `sources` is that one.
    """
    end = len(words)
    rows, used, notes = state[ROWS], state[HEAP_USED], 0
    stamps = np.zeros(6, np.int64)
    moments = np.zeros(6, np.float64)
    wanted = np.zeros(at.SOURCE_WORDS, np.uint32)
    last = 0
    p = start
    why = END
    while p < end:
        head = INT64(words[p])
        kind, version, length = head >> 28, head >> 24 & 15, head & 0xFFFF
        if version not in at.VERSIONS:
            why = BAD_VERSION
            break
        if length == 0:
            why = NO_LENGTH
            break
        if p + length > end:
            break
        if kind in (at.MANAGEMENT, at.EVENT):
            if notes == len(noted):
                why = MANY_NOTED
                break
            noted[notes] = p
            notes += 1
            state[MANAGEMENT_RECORDS if kind == at.MANAGEMENT else EVENT_RECORDS] += 1
            p += length
            continue
        if kind not in (at.FLOW, at.FROM_NETFLOW, at.AGGREGATE_FLOW):
            state[OTHERS] += 1
            p += length
            continue
        if rows == len(out) or used + 4 * length + ROOM > len(heap):
            why = FULL
            break
        q, stop = p + 1, p + length
        transport = transport_length = label = country = origins = 0
        merged = False
        record = out[rows]
        record.records = 1
        record.src_prefix_length = 128
        record.dst_prefix_length = 128
        stamps[:] = 0
        moments[5] = 1.0 if version == 5 else 0.0
        before = used
        while q < stop:
            part = INT64(words[q])
            what, sub, size = part >> 24, part >> 16 & 0xFF, part & 0xFF
            if what & 0x80:
                size = 1
            elif what == at.DATA and sub & 0x80:
                size = part & 0xFFFF
            if size == 0:
                break
            if q + size > stop:
                why = BAD_PART
                break
            if what == at.KEY:
                take_key(words, raw, octets, q, size, record, rows, out32)
            elif what == at.TIME:
                take_times(words, q, size, stamps)
            elif what == at.METRIC:
                take_counters(octets, q, size, part, record)
            elif what == at.TRANSPORT:
                transport, transport_length = q, size
            elif what == at.NETWORK:
                take_transport(words, q, size, part, record)
            elif what == at.IP_ATTRIBUTES:
                take_attributes(words, q, size, part, record)
            elif what == at.MAC:
                if size >= 4:
                    copy_bytes(record.dst_mac, octets, 4 * q + 4, 6)
                    copy_bytes(record.src_mac, octets, 4 * q + 10, 6)
                    if part >> 8 & 3:
                        record.flow_flags |= SEVERAL_MACS
            elif what == at.JITTER:
                used = take_intervals(words, floats, octets, q, size, part, record, moments, heap, used)
            elif what == at.SIZES:
                used = take_sizes(octets, q, size, part, record, heap, used)
            elif what == at.ENCAPSULATIONS:
                if size >= 3:
                    record.src_encapsulations |= words[q + 1]
                    record.dst_encapsulations |= words[q + 2]
            elif what == at.DATA:
                used = take_payload(octets, words, q, size, sub, record, heap, used)
            elif what == at.VLAN:
                if size >= 2:
                    record.src_vlan, record.dst_vlan = words[q + 1] >> 16, words[q + 1] & 0xFFFF
            elif what == at.MPLS:
                if size >= 2:
                    record.src_mpls = words[q + 1]
                if size >= 3:
                    record.dst_mpls = words[q + 2]
            elif what == at.ICMP_ERROR:
                if size >= 3:
                    record.icmp_error |= part >> 8 & 7
                    record.icmp_error_type = words[q + 1] >> 24
                    record.icmp_error_code = words[q + 1] >> 16 & 0xFF
                    mapped_ipv4(out32, rows, ROUTER, raw[q + 2])
            elif what == at.AGGREGATION:
                take_aggregation(words, turned_floats, q, size, record, moments)
                merged = record.duration_max > 0 or record.records > 1
            elif what == at.LABEL:
                label = q
            elif what == at.COUNTRY:
                country = q
            elif what == at.ORIGINS:
                origins = q
            elif what == at.TIME_ADJUST:
                record.flow_flags |= IS_ADJUSTED
            elif what in (at.GRE, at.VXLAN, at.GENEVE):
                used = take_tunnel(words, octets, q, size, what, record, heap, used)
            elif what:
                state[UNKNOWN] += 1
            q += size
        if why == BAD_PART:
            state[PLACE] = q
            break
        source = source_number(words, raw, transport, transport_length, sources, state[SOURCES], last, wanted)
        if source < 0:
            sources[state[SOURCES]] = wanted
            out32[rows] = 0
            used = before
            why = NEW_SOURCE
            break
        last = source
        if label or country or origins:
            used = take_labels(words, octets, label, country, origins, record, heap, used)
        record.observer = observers[source]
        number = sequence_number(words, transport, transport_length)
        cause = CAUSES[head >> 20 & 15]
        record.cause = cause
        record.status_sequence = 0 if cause == FIRST else max(number, LEAST_SEQUENCE)
        finish(record, stamps, merged)
        identify(record, rows, out32, number)
        rows += 1
        state[FLOWS] += 1
        p += length
    state[ROWS], state[HEAP_USED], state[WHY], state[NOTED] = rows, used, why, notes
    return p
