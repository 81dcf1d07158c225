"""Rows to flow records: what an exporter told, in the fields of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probes.exporters import layout as at
from topics.flags import Cause, TcpFlags, TcpState
from topics.record import FLOW_DTYPE, empty_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.exporters.exporter import Stream
    from probes.exporters.labels import Labels
    from topics.batch import Heap, Records

Int64 = np.ndarray[Any, np.dtype[np.int64]]
Words = np.ndarray[Any, np.dtype[np.uint64]]

# flowEndReason of IPFIX: idle timeout, active timeout, end of the flow, forced end, lack of resources.
CAUSES = np.array([Cause.STATUS, Cause.TIMEOUT, Cause.STATUS, Cause.CLOSE, Cause.SHUTDOWN, Cause.EVICTED], np.uint8)
SIDES = (("src", at.FORWARD), ("dst", at.REVERSE))
COPIED = ("packets", "bytes", "tos", "size_min", "size_max", "vlan", "mpls", "app_bytes")
MICROSECOND = 1_000.0  # ns
TCP = 6
WIDTH64 = FLOW_DTYPE.itemsize // 8


def records_of(rows: Int64, streams: Sequence[Stream], labels: Labels) -> tuple[Records, Heap]:
    """Return rows, shape (n, layout.WIDTH), as records in the same order, and the heap that their labels lie in."""
    records = empty_records(len(rows))
    observers = np.array([stream.observer.id for stream in streams], np.int64)
    records["observer"] = observers[rows[:, at.EXPORTER]]
    records["records"] = 1
    records["src_prefix_length"] = records["dst_prefix_length"] = 128
    records["cause"] = CAUSES[np.where(rows[:, at.END_REASON] < len(CAUSES), rows[:, at.END_REASON], 0).clip(0)]
    _ends(rows, records)
    for name, side in SIDES:
        _side(rows, records, name, side)
    _times(rows, records)
    _state(records)
    _identify(rows, records)
    return records, labels.put(rows, streams, records)


def _ends(rows: Int64, records: Records) -> None:
    records["ethertype"], records["protocol"] = rows[:, at.ETHERTYPE], rows[:, at.PROTOCOL] & 0xFF
    records["src_port"], records["dst_port"] = rows[:, at.SRC_PORT] & 0xFFFF, rows[:, at.DST_PORT] & 0xFFFF
    bare = (rows[:, at.SRC_HIGH] | rows[:, at.SRC_LOW] | rows[:, at.DST_HIGH] | rows[:, at.DST_LOW]) == 0
    for name, high, mac in (("src", at.SRC_HIGH, at.SRC_MAC), ("dst", at.DST_HIGH, at.DST_MAC)):
        records[f"{name}_address"] = _bytes_of(rows[:, high : high + 2])
        stations = _bytes_of(rows[:, mac : mac + 1])
        records[f"{name}_mac"] = stations[:, 2:]
        if bare.any():
            records[f"{name}_address"][bare, 10:] = stations[bare, 2:]  # a flow of layer 2
    told = np.flatnonzero(rows[:, at.ICMP])
    if len(told):
        records["src_port"][told], records["dst_port"][told] = rows[told, at.ICMP] & 0xFFFF, 0


def _bytes_of(words: Int64) -> Any:  # noqa: ANN401 - uint8, shape (n, 8 for each word)
    return np.ascontiguousarray(words).byteswap().view(np.uint8).reshape(len(words), -1)


def _side(rows: Int64, records: Records, name: str, side: int) -> None:
    columns = {each: rows[:, side + number] for number, each in enumerate(at.SIDE)}
    for each in COPIED:
        records[f"{name}_{each}"] = columns[each]
    records[f"{name}_tcp_flags"] = columns["tcp_flags"] & 0xFF
    low, high = columns["ttl_min"] & 0xFF, columns["ttl_max"] & 0xFF
    records[f"{name}_ttl_max"] = np.maximum(low, high)
    records[f"{name}_ttl_min"] = records[f"{name}_ttl"] = np.where(low, low, high)


def _times(rows: Int64, records: Records) -> None:
    first, last = rows[:, at.FORWARD + at.FIRST].copy(), rows[:, at.FORWARD + at.LAST].copy()
    records["src_first"], records["src_last"] = first, last
    answered = (rows[:, at.REVERSE + at.PACKETS] | rows[:, at.REVERSE + at.BYTES]) != 0
    begun, ended = rows[:, at.REVERSE + at.FIRST], rows[:, at.REVERSE + at.LAST]
    records["dst_first"], records["dst_last"] = np.where(answered, begun, 0), np.where(answered, ended, 0)
    np.minimum(first, begun, out=first, where=answered & (begun > 0))
    np.maximum(last, ended, out=last, where=answered)
    records["flow_start"] = first
    duration = last - first
    for name in ("sum", "min", "max"):
        records[f"duration_{name}"] = duration
    records["duration_square_sum"] = (duration / MICROSECOND) ** 2


def _state(records: Records) -> None:
    """Tell what can be told of a connection from the flags that its packets had."""
    src, dst = (records[f"{name}_tcp_flags"].astype(np.uint32) for name in ("src", "dst"))
    tcp = records["protocol"] == TCP
    both, either = src & dst, src | dst
    answered = (dst & TcpFlags.SYN != 0) & (dst & TcpFlags.ACK != 0)
    facts = (
        (TcpState.SYN, src & TcpFlags.SYN != 0),
        (TcpState.SYN_ACK, answered),
        (TcpState.ESTABLISHED, (both & TcpFlags.ACK != 0) | (either & TcpFlags.PSH != 0)),
        (TcpState.FIN, either & TcpFlags.FIN != 0),
        (TcpState.FIN_ACK | TcpState.NORMAL_CLOSE, both & TcpFlags.FIN != 0),
        (TcpState.SRC_RESET, src & TcpFlags.RST != 0),
        (TcpState.DST_RESET, dst & TcpFlags.RST != 0),
    )
    state = np.zeros(len(records), np.uint32)
    for bits, holds in facts:
        state |= np.where(holds & tcp, np.uint32(bits), np.uint32(0))
    records["tcp_state"] = state


def _mixed(words: Words) -> Words:
    """Spread the bits of words (the finaliser of SplitMix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _identify(rows: Int64, records: Records) -> None:
    """Give each record an id of its own: exporters may tell of one flow several times, in several records."""
    words = rows.view(np.uint64)
    value = _mixed(records["observer"].astype(np.uint64))
    told = _mixed(value + words[:, at.ORDINAL] + (words[:, at.FORWARD + at.FIRST] << np.uint64(1)))
    for column in (at.SRC_HIGH, at.SRC_LOW, at.DST_HIGH, at.DST_LOW):
        value = _mixed(value + words[:, column])
    ports = (words[:, at.PROTOCOL] << np.uint64(32)) + (words[:, at.SRC_PORT] << np.uint64(16)) + words[:, at.DST_PORT]
    value = _mixed(value + ports)
    value = _mixed(value + words[:, at.FORWARD + at.FIRST])
    records["flow_id"] = np.stack([value, told], axis=1).view(np.uint8)
