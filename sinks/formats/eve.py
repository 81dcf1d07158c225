"""Events of kind flow of Suricata's eve.json, in and out (https://docs.suricata.io, EVE JSON format)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sinks.formats import sensors
from sinks.formats.text import JsonLinesWriter
from topics.address_columns import ip_column
from topics.flags import TcpFlags, TcpState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from topics.batch import FlowBatch

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

PROBE = "suricata"
FORMAT = "%Y-%m-%dT%H:%M:%S%.f%z"
SCHEMA = {
    "event_type": pl.String,
    "flow_id": pl.Int64,
    "src_ip": pl.String,
    "src_port": pl.Int64,
    "dest_ip": pl.String,
    "dest_port": pl.Int64,
    "proto": pl.String,
    "icmp_type": pl.Int64,
    "icmp_code": pl.Int64,
    "app_proto": pl.String,
    "vlan": pl.List(pl.Int64),
    "flow": pl.Struct(
        {
            "pkts_toserver": pl.Int64,
            "pkts_toclient": pl.Int64,
            "bytes_toserver": pl.Int64,
            "bytes_toclient": pl.Int64,
            "start": pl.String,
            "end": pl.String,
        }
    ),
    "tcp": pl.Struct({"tcp_flags_ts": pl.String, "tcp_flags_tc": pl.String}),
}
COUNTS = (
    ("pkts_toserver", "src_packets"),
    ("pkts_toclient", "dst_packets"),
    ("bytes_toserver", "src_bytes"),
    ("bytes_toclient", "dst_bytes"),
)
UNKNOWN = ("", "failed")  # protocols of applications that are none


def read_eve(path: str) -> Iterator[FlowBatch]:
    """Yield the flows of a log, other events left out. Raises InputError naming a line that is none."""
    for events in sensors.frames(path, SCHEMA):
        frame = events.filter(pl.col("event_type") == "flow").unnest("flow")
        if frame.height:
            yield _batch(frame)


def _batch(frame: pl.DataFrame) -> FlowBatch:
    records = sensors.empty(len(frame))
    known = sensors.put_ends(frame, ("src_ip", "dest_ip"), records)
    names = frame["proto"].fill_null("").str.to_lowercase()
    protocol = names.replace_strict(sensors.PROTOCOLS, default=0, return_dtype=pl.Int64).to_numpy()
    protocol = np.where((protocol == 1) & (records["ethertype"] == sensors.IPV6), 58, protocol)
    records["protocol"] = protocol
    icmp = (protocol == 1) | (protocol == 58)
    kind, code, source, target = (_numbers(frame[name]) for name in ("icmp_type", "icmp_code", "src_port", "dest_port"))
    records["src_port"] = np.where(icmp, (kind & 0xFF) << 8 | (code & 0xFF), source & 0xFFFF)
    records["dst_port"] = np.where(icmp, 0, target & 0xFFFF)
    for name, field in COUNTS:
        records[field] = _numbers(frame[name])
    tags = _numbers(frame["vlan"].list.first())
    records["src_vlan"] = records["dst_vlan"] = tags & 0xFFF
    for side, name in (("src", "tcp_flags_ts"), ("dst", "tcp_flags_tc")):
        flags = frame["tcp"].struct.field(name).fill_null("0").str.to_integer(base=16, strict=False)
        records[f"{side}_tcp_flags"] = _numbers(flags) & 0xFF
    records["tcp_state"] = np.where(protocol == 6, _state(records["src_tcp_flags"], records["dst_tcp_flags"]), 0)
    begun, ended = _moments(frame["start"]), _moments(frame["end"])
    sensors.put_times(records, begun, ended)
    applications = frame["app_proto"].fill_null("").replace(dict.fromkeys(UNKNOWN, ""))
    heap = sensors.put_labels(records, "service", applications)
    keys = [f"{number}\0{begin}" for number, begin in zip(frame["flow_id"], begun.tolist(), strict=True)]
    return sensors.batch_of(records, heap, keys, PROBE).select(np.flatnonzero(known))


def _numbers(column: pl.Series) -> Numbers:
    found: Numbers = column.cast(pl.Int64).fill_null(0).to_numpy().clip(0)
    return found


def _moments(column: pl.Series) -> Numbers:
    times = column.str.to_datetime(FORMAT, time_unit="ns", time_zone="UTC", strict=False)
    return _numbers(times.dt.epoch("ns"))


def _state(src: Numbers, dst: Numbers) -> Numbers:
    """Return what the flags of all packets say of a connection."""
    src, dst = src.astype(np.int64), dst.astype(np.int64)
    answered = (dst & TcpFlags.SYN != 0) & (dst & TcpFlags.ACK != 0)
    facts = (
        (TcpState.SYN, src & TcpFlags.SYN != 0),
        (TcpState.SYN_ACK, answered),
        (TcpState.ESTABLISHED, (src & dst & TcpFlags.ACK) != 0),
        (TcpState.FIN, ((src | dst) & TcpFlags.FIN) != 0),
        (TcpState.FIN_ACK | TcpState.NORMAL_CLOSE, (src & dst & TcpFlags.FIN) != 0),
        (TcpState.SRC_RESET, src & TcpFlags.RST != 0),
        (TcpState.DST_RESET, dst & TcpFlags.RST != 0),
    )
    state = np.zeros(len(src), np.int64)
    for bits, holds in facts:
        state |= np.where(holds, int(bits), 0)
    return state


class EveWriter(JsonLinesWriter):
    """IP flows as Suricata tells them, with community id."""

    def _write(self, batch: FlowBatch) -> None:
        from topics.frame import to_arrow

        self._text(events(pl.DataFrame(to_arrow(batch))), self._destination.stream)

    def _text(self, frame: pl.DataFrame, stream: BinaryIO) -> None:
        if frame.height:
            frame.write_ndjson(stream)


def events(frame: pl.DataFrame) -> pl.DataFrame:
    """Return flow records, with the columns of topics/frame.py, as events."""
    first, last = pl.min_horizontal("src_first", "dst_first"), pl.max_horizontal("src_last", "dst_last")
    icmp = pl.col("protocol").is_in([1, 58])
    protocol = pl.col("protocol").replace_strict(
        {6: "TCP", 17: "UDP", 1: "ICMP", 58: "IPv6-ICMP", 132: "SCTP"}, default="IP"
    )
    return sensors.with_ports(frame).select(
        _text_of(last).alias("timestamp"),
        (pl.col("flow_id").bin.slice(0, 6).bin.encode("hex").str.to_integer(base=16)).alias("flow_id"),
        pl.lit("flow").alias("event_type"),
        ip_column(pl.col("src_address")).alias("src_ip"),
        pl.when(icmp).then(0).otherwise("src_port").alias("src_port"),
        ip_column(pl.col("dst_address")).alias("dest_ip"),
        pl.when(icmp).then(0).otherwise("dst_port").alias("dest_port"),
        protocol.alias("proto"),
        pl.when(icmp).then("shown_source").otherwise(0).alias("icmp_type"),
        pl.when(icmp).then("shown_target").otherwise(0).alias("icmp_code"),
        pl.struct(
            *(pl.col(field).alias(name) for name, field in COUNTS),
            _text_of(first).alias("start"),
            _text_of(last).alias("end"),
            ((last - first).dt.total_seconds()).alias("age"),
        ).alias("flow"),
        pl.struct(_hexadecimal("src").alias("tcp_flags_ts"), _hexadecimal("dst").alias("tcp_flags_tc")).alias("tcp"),
        pl.col("community_id"),
    )


def _text_of(time: pl.Expr) -> pl.Expr:
    return time.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+0000")


def _hexadecimal(side: str) -> pl.Expr:
    names = {number: f"{number:02x}" for number in range(256)}
    return (pl.col(f"{side}_tcp_flags") % 256).cast(pl.Int64).replace_strict(names, return_dtype=pl.String)
