"""Rows of exporters to flow records, one at a time: columns of records that lie far apart are slow to fill by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.exporters import layout as at
from topics.compiled import borrowed, inlined, kernel
from topics.flags import Cause, TcpFlags, TcpState
from topics.record import FLOW_DTYPE, MAC_SIZE, WORD

# flowEndReason of IPFIX: idle timeout, active timeout, end of the flow, forced end, lack of resources.
CAUSES = tuple(
    int(each) for each in (Cause.STATUS, Cause.TIMEOUT, Cause.STATUS, Cause.CLOSE, Cause.SHUTDOWN, Cause.EVICTED)
)
SIZE = FLOW_DTYPE.itemsize
FLOW_ID, SRC_ADDRESS, DST_ADDRESS, SRC_MAC, DST_MAC = (
    FLOW_DTYPE.fields[name][1]  # type: ignore[index] # a dtype with fields
    for name in ("flow_id", "src_address", "dst_address", "src_mac", "dst_mac")
)
MICROSECOND = 1_000.0  # ns
TCP = 6
SYN, ACK, PSH, FIN, RST = (int(each) for each in (TcpFlags.SYN, TcpFlags.ACK, TcpFlags.PSH, TcpFlags.FIN, TcpFlags.RST))
BEGUN, ANSWERED, ESTABLISHED = int(TcpState.SYN), int(TcpState.SYN_ACK), int(TcpState.ESTABLISHED)
ENDING, ENDED = int(TcpState.FIN), int(TcpState.FIN_ACK | TcpState.NORMAL_CLOSE)
SRC_RESET, DST_RESET = int(TcpState.SRC_RESET), int(TcpState.DST_RESET)
FORWARD, REVERSE = at.FORWARD, at.REVERSE


@inlined
def _put(octets: Any, place: Any, word: Any, size: Any) -> None:
    """Write the last bytes of a word, the most significant one first."""
    for number in range(size):
        octets[place + number] = (word >> (8 * (size - 1 - number))) & 0xFF


@inlined
def _ends(row: Any, record: Any, octets: Any, begin: Any) -> None:
    record.ethertype, record.protocol = row[at.ETHERTYPE], row[at.PROTOCOL] & 0xFF
    record.src_port, record.dst_port = row[at.SRC_PORT] & 0xFFFF, row[at.DST_PORT] & 0xFFFF
    if row[at.ICMP]:
        record.src_port, record.dst_port = row[at.ICMP] & 0xFFFF, 0
    for number in range(2):
        _put(octets, begin + SRC_ADDRESS + WORD * number, row[at.SRC_HIGH + number], WORD)
        _put(octets, begin + DST_ADDRESS + WORD * number, row[at.DST_HIGH + number], WORD)
    _put(octets, begin + SRC_MAC, row[at.SRC_MAC], MAC_SIZE)
    _put(octets, begin + DST_MAC, row[at.DST_MAC], MAC_SIZE)
    if not (row[at.SRC_HIGH] | row[at.SRC_LOW] | row[at.DST_HIGH] | row[at.DST_LOW]):  # a flow of layer 2
        _put(octets, begin + SRC_ADDRESS + 2 * WORD - MAC_SIZE, row[at.SRC_MAC], MAC_SIZE)
        _put(octets, begin + DST_ADDRESS + 2 * WORD - MAC_SIZE, row[at.DST_MAC], MAC_SIZE)


@inlined
def _sides(row: Any, record: Any) -> None:
    record.src_packets, record.src_bytes = row[FORWARD + at.PACKETS], row[FORWARD + at.BYTES]
    record.dst_packets, record.dst_bytes = row[REVERSE + at.PACKETS], row[REVERSE + at.BYTES]
    record.src_app_bytes, record.dst_app_bytes = row[FORWARD + at.APP_BYTES], row[REVERSE + at.APP_BYTES]
    record.src_tos, record.dst_tos = row[FORWARD + at.TOS] & 0xFF, row[REVERSE + at.TOS] & 0xFF
    record.src_size_min, record.src_size_max = row[FORWARD + at.SIZE_MIN], row[FORWARD + at.SIZE_MAX]
    record.dst_size_min, record.dst_size_max = row[REVERSE + at.SIZE_MIN], row[REVERSE + at.SIZE_MAX]
    record.src_vlan, record.dst_vlan = row[FORWARD + at.VLAN], row[REVERSE + at.VLAN]
    record.src_mpls, record.dst_mpls = row[FORWARD + at.MPLS], row[REVERSE + at.MPLS]
    low, high = row[FORWARD + at.TTL_MIN] & 0xFF, row[FORWARD + at.TTL_MAX] & 0xFF
    record.src_ttl_max = max(low, high)
    record.src_ttl = record.src_ttl_min = low or high
    low, high = row[REVERSE + at.TTL_MIN] & 0xFF, row[REVERSE + at.TTL_MAX] & 0xFF
    record.dst_ttl_max = max(low, high)
    record.dst_ttl = record.dst_ttl_min = low or high


@inlined
def _times(row: Any, record: Any) -> None:
    first, last = row[FORWARD + at.FIRST], row[FORWARD + at.LAST]
    record.src_first, record.src_last = first, last
    if row[REVERSE + at.PACKETS] | row[REVERSE + at.BYTES]:
        begun, ended = row[REVERSE + at.FIRST], row[REVERSE + at.LAST]
        record.dst_first, record.dst_last = begun, ended
        first = min(first, begun) if begun > 0 else first
        last = max(last, ended)
    record.flow_start = first
    duration = last - first
    record.duration_sum, record.duration_min, record.duration_max = duration, duration, duration
    record.duration_square_sum = (duration / MICROSECOND) * (duration / MICROSECOND)


@inlined
def _state(row: Any, record: Any) -> None:
    """Tell what can be told of a connection from the flags that its packets had."""
    src, dst = row[FORWARD + at.TCP_FLAGS] & 0xFF, row[REVERSE + at.TCP_FLAGS] & 0xFF
    record.src_tcp_flags, record.dst_tcp_flags = src, dst
    if record.protocol != TCP:
        return
    both, either = src & dst, src | dst
    state = BEGUN if src & SYN else 0
    if dst & SYN and dst & ACK:
        state |= ANSWERED
    if both & ACK or either & PSH:
        state |= ESTABLISHED
    if either & FIN:
        state |= ENDING
    if both & FIN:
        state |= ENDED
    if src & RST:
        state |= SRC_RESET
    if dst & RST:
        state |= DST_RESET
    record.tcp_state = state


@inlined
def _mixed(word: Any) -> Any:
    """Spread the bits of a word (the finaliser of SplitMix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@inlined
def _identify(row: Any, record: Any, words: Any, place: Any) -> None:
    """Give a record an id of its own: exporters may tell of one flow several times, in several records."""
    first = np.uint64(row[FORWARD + at.FIRST])
    value = _mixed(np.uint64(record.observer))
    words[place + 1] = _mixed(value + np.uint64(row[at.ORDINAL]) + (first << np.uint64(1)))
    for column in range(at.SRC_HIGH, at.DST_LOW + 1):
        value = _mixed(value + np.uint64(row[column]))
    ports = (row[at.PROTOCOL] << 32) + (row[at.SRC_PORT] << 16) + row[at.DST_PORT]
    value = _mixed(value + np.uint64(ports))
    words[place] = _mixed(value + first)


@kernel
def fill(rows: Any, observers: Any, records: Any, octets: Any, words: Any) -> None:
    """Fill zeroed records from rows, but for their labels; `octets` and `words` are the records once more."""
    octets, words = borrowed(octets), borrowed(words)
    for number in range(len(rows)):
        row, record = borrowed(rows[number]), records[number]
        record.observer = observers[row[at.EXPORTER]]
        record.records = 1
        record.src_prefix_length = record.dst_prefix_length = 128
        reason = row[at.END_REASON]
        record.cause = CAUSES[reason] if 0 < reason < len(CAUSES) else CAUSES[0]
        _ends(row, record, octets, number * SIZE)
        _sides(row, record)
        _times(row, record)
        _state(row, record)
        _identify(row, record, words, (number * SIZE + FLOW_ID) // WORD)
