"""Sets of records to rows, by the fields of their templates."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.exporters import layout as at
from topics.compiled import inlined, kernel

SECOND, MILLISECOND, MICROSECOND = 1_000_000_000, 1_000_000, 1_000
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
LATEST = 2**61
MOST = 1 << 48  # packets or bytes of one record
DAY = 86_400 * SECOND
NTP_ERAS = 1 << 32
FORWARD, REVERSE = at.FORWARD, at.REVERSE


@inlined
def _half(data: Any, place: int) -> Any:
    return (
        np.int64(data[place]) << 24
        | np.int64(data[place + 1]) << 16
        | np.int64(data[place + 2]) << 8
        | np.int64(data[place + 3])
    )


@inlined
def _number(data: Any, begin: int, end: int) -> Any:
    """Return the number that some bytes are, the last eight of more."""
    size = end - begin
    if size == 4:
        return _half(data, begin)
    if size == 2:
        return np.int64(data[begin]) << 8 | np.int64(data[begin + 1])
    if size == 1:
        return np.int64(data[begin])
    if size == 8:
        return _half(data, begin) << 32 | _half(data, begin + 4)
    value = np.uint64(0)
    for place in range(max(begin, end - 8), end):
        value = (value << np.uint64(8)) | np.uint64(data[place])
    return np.int64(value)


@inlined
def _moment(data: Any, begin: int, end: int) -> Any:
    """Return the ns since 1970 of a time of NTP, 0 when it has another length than it should."""
    if end - begin != 8:
        return 0
    seconds, fraction = _number(data, begin, begin + 4), _number(data, begin + 4, end)
    if seconds < NTP_EPOCH:
        seconds += NTP_ERAS  # it counts from 2036 again
    return (seconds - NTP_EPOCH) * SECOND + ((fraction * SECOND) >> 32)


@inlined
def _limited(value: int, unit: int) -> Any:
    return value * unit if 0 <= value <= LATEST // unit else 0


@inlined
def _take(data: Any, begin: int, end: int, operation: int, column: int, item: Any, row: Any) -> None:
    """Put what one field says into its column."""
    if operation == at.NUMBER:
        value = _number(data, begin, end)
        if value:
            row[column] = value
    elif operation == at.ADDRESS4:
        if end - begin == 4:
            value = _number(data, begin, end)
            if value or not row[column + 1]:
                row[column] = 0
                row[column + 1] = at.MAPPED_IPV4 | value
                row[at.ETHERTYPE] = at.IPV4
    elif operation == at.ADDRESS6:
        if end - begin == 16:
            high, low = _number(data, begin, begin + 8), _number(data, begin + 8, end)
            if (high | low) or not row[column + 1]:
                row[column], row[column + 1] = high, low
                row[at.ETHERTYPE] = at.IPV6
    elif operation == at.NTP:
        value = _moment(data, begin, end)
        if value:
            row[column] = value
    else:
        value = _number(data, begin, end)
        if operation == at.IF_ABSENT:
            if not row[column]:
                row[column] = value
        elif operation == at.SECONDS:
            if value and not row[column]:
                row[column] = _limited(value, SECOND)
        elif operation == at.MILLISECONDS:
            if value:
                row[column] = _limited(value, MILLISECOND)
        elif operation == at.UPTIME:
            if not row[column]:
                row[column] = -1 - (value & 0xFFFFFFFF)  # made a time when the record is complete
        elif operation == at.MICROSECONDS_AGO:
            if not row[column] and 0 <= value < LATEST // MICROSECOND:
                row[column] = max(item[at.ITEM_TIME] - value * MICROSECOND, 1)
        elif operation == at.MILLISECONDS_LONG:
            row[column] = _limited(value, MILLISECOND)
        elif operation == at.MICROSECONDS_LONG:
            row[column] = _limited(value, MICROSECOND)
        elif operation == at.ICMP_BOTH:
            row[column] = at.ICMP_KNOWN | (value & 0xFFFF)
        elif operation == at.ICMP_TYPE:
            row[column] = at.ICMP_KNOWN | (row[column] & 0xFF) | ((value & 0xFF) << 8)
        elif operation == at.ICMP_CODE:
            row[column] = at.ICMP_KNOWN | (row[column] & 0xFF00) | (value & 0xFF)
        elif operation == at.SIZE:
            row[column] = min(max(value, 0), 0xFFFFFFFF)
        elif operation == at.LABEL_ENTRY:
            row[column] = (value & 0xFFFFFF) << 8


@inlined
def _absolute(moment: int, item: Any, row: Any) -> Any:
    """Return a time that may be milliseconds since the exporter began as ns since 1970, 0 when there is none."""
    if moment >= 0:
        return moment
    uptime = -1 - moment
    if row[at.SYSTEM_START]:
        return row[at.SYSTEM_START] + uptime * MILLISECOND
    if not item[at.ITEM_BOOT]:
        return 0
    found = item[at.ITEM_BOOT] + uptime * MILLISECOND
    if found > item[at.ITEM_TIME] + (1 << 31) * MILLISECOND:
        found -= (1 << 32) * MILLISECOND  # the counter went round in between
    return max(found, 0)


@inlined
def _complete(item: Any, row: Any) -> None:
    """Settle the counters, times and ports of a record of which all fields were seen."""
    for side in (FORWARD, REVERSE):
        for column in (at.PACKETS, at.BYTES):
            if not 0 <= row[side + column] <= MOST:
                row[side + column] = MOST  # sums of them have to remain numbers
    for side in (FORWARD, REVERSE):
        row[side] = _absolute(row[side], item, row)
        row[side + 1] = _absolute(row[side + 1], item, row)
    first, last = row[FORWARD], row[FORWARD + 1]
    if not last:
        last = first + row[at.DURATION] if first else item[at.ITEM_TIME]
    if not first:
        first = max(last - row[at.DURATION], 1)
    if last > item[at.ITEM_TIME] + DAY:  # nothing is told before it happened; one such time would hold up all others
        first = last = item[at.ITEM_TIME]
    row[FORWARD], row[FORWARD + 1] = first, max(first, last)
    if row[at.BIFLOW]:
        if not row[REVERSE]:
            row[REVERSE] = first
        row[REVERSE + 1] = max(row[REVERSE], row[REVERSE + 1] or last)
    if row[at.PROTOCOL] not in (1, 58):
        row[at.ICMP] = 0  # a template may have the field for all protocols
    elif not row[at.ICMP] and not row[at.SRC_PORT]:
        row[at.ICMP] = at.ICMP_KNOWN | (row[at.DST_PORT] & 0xFFFF)  # where NetFlow 5 puts type and code


@kernel
def decode(data: Any, items: Any, fields: Any, state: Any, rows: Any, told: Any) -> Any:
    """Fill rows from where `state` (item, place, ordinal, whether some were sampled) says; returns how many.

    `told` counts, by item, the records that were complete and (second column) whether bytes were left that are none.
    A record that says it is longer than its set ends the set.
    """
    written, number, place, ordinal = 0, state[0], state[1], state[2]
    while number < len(items) and written < len(rows):
        item = items[number]
        place = max(place, item[at.ITEM_BEGIN])
        end = min(item[at.ITEM_END], len(data))
        while place + item[at.SHORTEST] <= end and written < len(rows):
            row = rows[written]
            row[:] = 0
            begin = place
            for index in range(item[at.FIELDS_BEGIN], item[at.FIELDS_END]):
                length = fields[index, at.LENGTH]
                if length == at.VARIABLE:
                    if begin >= end:
                        begin = end + 1
                        break
                    length = np.int64(data[begin])
                    begin += 1
                    if length == 255:
                        if begin + 2 > end:
                            begin = end + 1
                            break
                        length = _number(data, begin, begin + 2)
                        begin += 2
                if begin + length > end:
                    begin = end + 1
                    break
                if fields[index, at.OPERATION] != at.SKIPPED:
                    _take(data, begin, begin + length, fields[index, at.OPERATION], fields[index, at.COLUMN], item, row)
                begin += length
            if begin > end or begin <= place:
                place = end
                told[number, 1] = 1
                break
            row[at.EXPORTER], row[at.ARRIVED] = item[at.ITEM_EXPORTER], item[at.ITEM_ARRIVED]
            row[at.ORDINAL], row[at.BIFLOW] = ordinal, item[at.ITEM_BIFLOW]
            if not row[at.SAMPLING]:
                row[at.SAMPLING] = item[at.ITEM_SAMPLING]
            _complete(item, row)
            if row[at.SAMPLING] > 1 or row[at.SAMPLER] or row[at.SAMPLING_SPACE]:
                state[3] = 1
            else:
                row[at.SAMPLING] = 1
            told[number, 0] += 1
            ordinal += 1
            written += 1
            place = begin
        if place + item[at.SHORTEST] > end:
            number, place = number + 1, 0
    state[0], state[1], state[2] = number, place, ordinal
    return written
