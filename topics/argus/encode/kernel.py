"""Records of ours to records of Argus, version 3, as 32-bit words: what argus 3.0.8 and its clients write themselves.

What has no place in that format is left out; docs/guides/argus-files.md lists it by field.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.argus import layout as at
from topics.argus.encode.attributes import put_attributes
from topics.argus.encode.counters import put_counters, put_sizes
from topics.argus.encode.intervals import put_aggregation, put_intervals
from topics.argus.encode.key import put_key
from topics.argus.encode.link import put_icmp_error, put_link
from topics.argus.encode.payload import put_label, put_payload
from topics.argus.encode.times import put_times
from topics.argus.encode.transport import put_transport
from topics.argus.encode.words import INT64, IPV4, IPV6, MIXED, MOST_LABEL, MOST_PAYLOAD
from topics.compiled import inlined, kernel
from topics.flags import Cause

FIXED_WORDS = 192  # more than all parts of a record together, but for payload and label
CAUSES = np.zeros(8, np.uint8)
CAUSES[Cause.START], CAUSES[Cause.STATUS], CAUSES[Cause.CLOSE] = at.START, at.STATUS, at.STOP
CAUSES[Cause.TIMEOUT], CAUSES[Cause.REUSE], CAUSES[Cause.SHUTDOWN] = at.TIMEOUT, at.STOP, at.SHUTDOWN
CAUSES[Cause.EVICTED] = at.FLUSH


@inlined
def _source(record: Any, observers: Any, kinds: Any, values: Any, sequence: Any, out: Any, p: Any) -> Any:
    number = 0
    for each in range(len(observers)):
        if observers[each] == record.observer:
            number = each
            break
    known = len(observers) > 0
    out[p] = at.TRANSPORT << 24 | 3 << 16 | (INT64(kinds[number]) if known else 0) << 8 | 3
    out[p + 1] = INT64(values[number]) if known else 0
    out[p + 2] = sequence & 0xFFFFFFFF
    return p + 3


@kernel
def encode(
    records: Any,
    words: Any,
    heap: Any,
    start: Any,
    observers: Any,
    kinds: Any,
    values: Any,
    sequence: Any,
    out: Any,
    floats: Any,
    ends: Any,
) -> Any:
    """Encode records from row `start` on into `out`, with numbers from `sequence` on; return rows and words written.

    `words` are the records as 32-bit words, `floats` is `out` as floats; `ends[row]` becomes the word behind a record.
    `observers`, `kinds` and `values` tell the source id of each observer.
    """
    p, row = 0, start
    while row < len(records):
        record = records[row]
        text = min(record.src_payload_length, MOST_PAYLOAD) + min(record.dst_payload_length, MOST_PAYLOAD)
        if p + FIXED_WORDS + (text + min(record.labels_length, MOST_LABEL)) // 4 > len(out):
            break
        q = _source(record, observers, kinds, values, sequence + row - start, out, p + 1)
        q = put_key(record, row, words, out, q)
        q = put_times(record, out, q)
        q = put_counters(record, out, q)
        q = put_transport(record, out, q)
        if record.ethertype in (IPV4, IPV6, MIXED):
            q = put_attributes(record, out, q)
        q = put_sizes(record, heap, out, q)
        q = put_intervals(record, heap, out, floats, q)
        q = put_link(record, out, q)
        q = put_icmp_error(record, row, words, out, q)
        q = put_aggregation(record, out, floats, q)
        q = put_payload(heap, record.src_payload_offset, record.src_payload_length, 0x90, out, q)
        q = put_payload(heap, record.dst_payload_offset, record.dst_payload_length, 0xA0, out, q)
        q = put_label(heap, record.labels_offset, record.labels_length, out, q)
        # Clients take the state of the first record of a flow from its cause.
        cause = at.START if record.status_sequence == 0 else INT64(CAUSES[record.cause & 7])
        out[p] = at.FLOW << 28 | 3 << 24 | cause << 20 | (q - p)
        p = ends[row] = q
        row += 1
    return row, p
