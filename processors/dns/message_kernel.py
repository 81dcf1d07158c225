"""Messages of DNS (RFC 1035), mDNS, LLMNR and NetBIOS name service (RFC 1002) as rows, and their resource records."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from processors.dns.name_kernel import MOST_TEXT, name_hash, put_text, read_name
from topics.compiled import borrowed, inlined, kernel
from topics.dns.batch import Malformed, State

HEADER = 12
RESPONSE, TRUNCATION = 0x8000, 0x0200
MDNS, LLMNR, NETBIOS = 1, 2, 3
A, SOA, AAAA, OPT = 1, 6, 28, 41
IN = 1
SUBNET, COOKIE, ERROR = 8, 10, 15
DO = 0x8000
EXPANSION, EXPANSION_BASE = 16, 4096  # names written out may take so many times the bytes of the message, and so many
QUERY, ANSWER, TRUNCATED = int(State.QUERY), int(State.ANSWER), int(State.TRUNCATED)
ANSWER_CUT, QUERY_CUT = int(State.ANSWER_CUT), int(State.QUERY_CUT)
SHORT_HEADER, SHORT_QUESTION = int(Malformed.SHORT_HEADER), int(Malformed.SHORT_QUESTION)
SHORT_RECORD, RECORD_DATA = int(Malformed.SHORT_RECORD), int(Malformed.RECORD_DATA)
TOO_MUCH, TRAILING_BYTES = int(Malformed.TOO_MUCH), int(Malformed.TRAILING_BYTES)
CUT = 2  # the flag of control payloads
PORTS = (53, 5353, 5355, 137)
U = np.uint64


@inlined
def _u16(data: Any, at: Any) -> Any:
    return np.int64(data[U(at)]) << 8 | np.int64(data[U(at + 1)])


@inlined
def _mixed(value: Any, more: Any) -> Any:
    value = (value ^ more) * U(0x9E3779B97F4A7C15)
    return value ^ (value >> U(32))


@inlined
def _names_in(kind: Any) -> Any:
    """Return how many bytes of a record's data come before names, and how many names there are (RFC 3597 4)."""
    if kind in (2, 3, 4, 5, 7, 8, 9, 12, 39):  # NS MD MF CNAME MB MG MR PTR DNAME
        return 0, 1
    if kind in (6, 14, 17):  # SOA MINFO RP
        return 0, 2
    if kind in (15, 18, 21, 36):  # MX AFSDB RT KX
        return 2, 1
    if kind == 26:  # PX
        return 2, 2
    if kind == 33:  # SRV
        return 6, 1
    return 0, 0


@inlined
def _put_data(data: Any, start: Any, end: Any, at: Any, length: Any, kind: Any, out: Any, put: Any) -> Any:
    """Copy the data of a record with its names written out; return (where it ends, error or 0)."""
    before, names = _names_in(kind)
    stop, place, begin = at + length, at, put
    if names and length:
        if before >= length:
            return begin, RECORD_DATA
        for index in range(before):
            out[U(put + index)] = data[U(at + index)]
        place, put = at + before, put + before
        for _ in range(names):
            place, count, error = read_name(data, start, end, place, out, put)
            if error:
                return begin, error
            if place > stop:
                return begin, RECORD_DATA
            put += count
    for index in range(stop - place):
        out[U(put + index)] = data[U(place + index)]
    return put + stop - place, 0


@inlined
def _put_option(row: Any, name_offset: Any, data: Any, at: Any, length: Any, text: Any, used: Any) -> Any:
    for index in range(length):
        text[U(used + index)] = data[U(at + index)]
    if name_offset == SUBNET:
        row.client_subnet_offset, row.client_subnet_length = used, length
    else:
        row.cookie_offset, row.cookie_length = used, length
    return used + length


@inlined
def _options(row: Any, data: Any, at: Any, stop: Any, text: Any, used: Any) -> Any:
    """Note the options of EDNS (RFC 6891 6.1.2) that are kept; return (bytes of text used, error or 0)."""
    while at < stop:
        if at + 4 > stop:
            return used, RECORD_DATA
        code, length = _u16(data, at), _u16(data, at + 2)
        at += 4
        if at + length > stop:
            return used, RECORD_DATA
        if code in (SUBNET, COOKIE):
            used = _put_option(row, code, data, at, length, text, used)
        elif code == ERROR and length >= 2:
            row.extended_error = min(_u16(data, at) + 1, 0xFFFF)
        at += length
    return used, 0


@kernel
def parse_messages(
    records: Any,
    heap: Any,
    kinds: Any,
    rows: Any,
    keys: Any,
    soas: Any,
    resources: Any,
    text: Any,
    data_out: Any,
    scratch: Any,
) -> Any:
    """Parse the message of each record (CONTROL_DTYPE), whose `kinds` (uint8) say which protocol it is of.

    Writes a row each (DNS_DTYPE), the hash of its ends and of its question (`keys`, uint64, shape (n, 2); the latter 0
    without one), and the number of SOA records in its answer, plus 65536 when the last one is (`soas`, int64).
    `resources` (RESOURCE_DTYPE, `transaction` is the index of the record), `text` and `data_out` (uint8) are as large
    as can be needed; returns how much of them was used. `scratch` is uint8[256].
    """
    records, rows, resources = borrowed(records), borrowed(rows), borrowed(resources)
    data, text, data_out, scratch = borrowed(heap), borrowed(text), borrowed(data_out), borrowed(scratch)
    count, used, data_used = 0, 0, 0
    for index in range(len(records)):
        record, row = records[index], rows[index]
        start, length, kind = np.int64(record.payload_offset), np.int64(record.payload_length), kinds[index]
        end, netbios = start + length, kind == NETBIOS
        flags = _u16(data, start + 2) if length >= HEADER else 0
        is_answer = flags & RESPONSE != 0 if length >= HEADER else record.dst_port not in PORTS
        row.time, row.vlan, row.protocol, row.kind = record.time, record.vlan, record.protocol, kind
        for place in range(16):
            source, target = record.src_address[U(place)], record.dst_address[U(place)]
            row.client[U(place)] = target if is_answer else source
            row.server[U(place)] = source if is_answer else target
            row.flow_id[U(place)] = record.flow_id[U(place)]
        row.client_port = record.dst_port if is_answer else record.src_port
        row.server_port = record.src_port if is_answer else record.dst_port
        cut, error, rcode, edns, udp_size, dnssec = record.flags & CUT != 0, 0, flags & 15, 0, 0, 0
        row.name_offset = used
        at, question, soa, last_is_soa = start + HEADER, U(0), 0, 0
        if length < HEADER:
            error, rcode = SHORT_HEADER, 0
        else:
            row.id = _u16(data, start)
            questions = _u16(data, start + 4)
            begun_text, begun_data, room = used, data_used, EXPANSION * length + EXPANSION_BASE
            for number in range(questions):
                if at >= end:
                    error = SHORT_QUESTION
                    break
                at, size, error = read_name(data, start, end, at, scratch, 0)
                if error == 0 and at + 4 > end:
                    error = SHORT_QUESTION
                if error:
                    break
                asked_type, asked_class = _u16(data, at), _u16(data, at + 2)
                at += 4
                stop = put_text(scratch, size, netbios, text, used)
                if number == 0:
                    row.name_length = stop - used
                    row.record_type = asked_type
                    row.record_class = asked_class
                    question = _mixed(name_hash(scratch, size), U(asked_type << 16 | asked_class)) | U(1)
                else:
                    resource = resources[count]
                    resource.transaction, resource.section, resource.ttl = index, 0, 0
                    resource.name_offset, resource.name_length = used, stop - used
                    resource.data_offset, resource.data_length = data_used, 0
                    resource.record_type = asked_type
                    resource.record_class = asked_class
                    count += 1
                used = stop
                if used - begun_text > room:
                    error = TOO_MUCH
                    break
            section = 1
            while section <= 3 and error in (0, RECORD_DATA):
                for _ in range(_u16(data, start + 4 + 2 * section)):
                    if at >= end:
                        error = SHORT_RECORD
                        break
                    at, size, wrong = read_name(data, start, end, at, scratch, 0)
                    if wrong:
                        error = wrong
                        break
                    if at + 10 > end or at + 10 + _u16(data, at + 8) > end:
                        error = SHORT_RECORD
                        break
                    record_type, record_class = _u16(data, at), _u16(data, at + 2)
                    ttl, data_length = _u16(data, at + 4) << 16 | _u16(data, at + 6), _u16(data, at + 8)
                    at += 10
                    wrong = 0
                    if record_type == OPT and section == 3:
                        udp_size, edns, dnssec = record_class, min(255, (ttl >> 16 & 255) + 1), 1 if ttl & DO else 0
                        rcode |= ttl >> 24 << 4
                        used, wrong = _options(row, data, at, at + data_length, text, used)
                    else:
                        resource = resources[count]
                        stop = put_text(scratch, size, netbios, text, used)
                        resource.transaction, resource.section, resource.ttl = index, section, ttl
                        resource.name_offset, resource.name_length = used, stop - used
                        resource.record_type = record_type
                        resource.record_class = record_class
                        named = 0 if netbios else record_type
                        data_stop, wrong = _put_data(data, start, end, at, data_length, named, data_out, data_used)
                        wanted = 4 if record_type == A else 16 if record_type == AAAA else data_length
                        if record_class & 0x7FFF == IN and not netbios and data_length not in (0, wanted):
                            wrong = RECORD_DATA
                        resource.data_offset, resource.data_length = data_used, data_stop - data_used
                        used, data_used = stop, data_stop
                        count += 1
                        if section == 1:
                            last_is_soa = 1 if record_type == SOA else 0
                            soa += last_is_soa
                    at += data_length
                    if wrong and error == 0:
                        error = RECORD_DATA
                    if used - begun_text > room or data_used - begun_data > room:
                        error = TOO_MUCH
                        break
                section += 1
            if error == 0 and at < end:
                error = TRAILING_BYTES
        soas[index] = soa + (last_is_soa << 16)
        if is_answer:
            row.state = ANSWER | (TRUNCATED if flags & TRUNCATION else 0) | (ANSWER_CUT if cut else 0)
            row.answered, row.flags, row.rcode, row.answers = record.time, flags, rcode, 1
            row.answer_bytes, row.edns, row.udp_size, row.error = record.wire_length, edns, udp_size, error
            row.dnssec = 2 * dnssec
        else:
            row.state = QUERY | (QUERY_CUT if cut else 0)
            row.query_flags, row.query_bytes = flags, record.wire_length
            row.query_edns, row.query_udp_size, row.dnssec, row.query_error = edns, udp_size, dnssec, error
        key = _mixed(U(row.id) << U(32) | U(row.client_port) << U(8) | U(row.protocol), U(kind) << U(48))
        for place in range(16):
            key = (key ^ U(row.client[U(place)])) * U(0x100000001B3)
        if kind in (0, MDNS):  # others ask all stations of a network, and one of them answers
            for place in range(16):
                key = (key ^ U(row.server[U(place)])) * U(0x100000001B3)
            key = _mixed(key, U(row.server_port))
        keys[index, 0] = key ^ (key >> U(29))
        keys[index, 1] = question
    return count, used, data_used


def text_room(lengths: int, count: int) -> int:
    """Return how many bytes of text or data messages of these lengths can take at most."""
    return (EXPANSION + 2) * lengths + (EXPANSION_BASE + 2 * MOST_TEXT) * count + 256
