"""Zeek's conn.log as lines of JSON, in and out (https://docs.zeek.org, base/protocols/conn/main.zeek)."""

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
    from typing import BinaryIO

    from topics.batch import FlowBatch

PROBE = "zeek"
MICROSECONDS = 1e6  # in a second: what Zeek counts in
SCHEMA = {
    "ts": pl.Float64,
    "uid": pl.String,
    "id.orig_h": pl.String,
    "id.orig_p": pl.Int64,
    "id.resp_h": pl.String,
    "id.resp_p": pl.Int64,
    "proto": pl.String,
    "service": pl.String,
    "duration": pl.Float64,
    "orig_bytes": pl.Int64,
    "resp_bytes": pl.Int64,
    "conn_state": pl.String,
    "missed_bytes": pl.Int64,
    "orig_pkts": pl.Int64,
    "orig_ip_bytes": pl.Int64,
    "resp_pkts": pl.Int64,
    "resp_ip_bytes": pl.Int64,
    "vlan": pl.Int64,
}
_OPEN = TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED
STATES = {
    "S0": TcpState.SYN,
    "S1": _OPEN,
    "SF": _OPEN | TcpState.FIN | TcpState.FIN_ACK | TcpState.NORMAL_CLOSE,
    "REJ": TcpState.SYN | TcpState.DST_RESET,
    "S2": _OPEN | TcpState.FIN,
    "S3": _OPEN | TcpState.FIN,
    "RSTO": _OPEN | TcpState.SRC_RESET,
    "RSTR": _OPEN | TcpState.DST_RESET,
    "RSTOS0": TcpState.SYN | TcpState.SRC_RESET,
    "RSTRH": TcpState.SYN_ACK | TcpState.DST_RESET,
    "SH": TcpState.SYN | TcpState.FIN,
    "SHR": TcpState.SYN_ACK | TcpState.FIN,
    "OTH": TcpState.ESTABLISHED,
}
COUNTS = (
    *(("orig_pkts", "src_packets"), ("resp_pkts", "dst_packets"), ("orig_ip_bytes", "src_bytes")),
    *(("resp_ip_bytes", "dst_bytes"), ("orig_bytes", "src_app_bytes"), ("resp_bytes", "dst_app_bytes")),
    ("missed_bytes", "src_gap_bytes"),
)


def read_zeek(path: str) -> Iterator[FlowBatch]:
    """Yield the connections of a log; lines without addresses are left out. Raises InputError naming the line."""
    for frame in sensors.frames(path, SCHEMA):
        yield _batch(frame)


def _batch(frame: pl.DataFrame) -> FlowBatch:
    records = sensors.empty(len(frame))
    known = sensors.put_ends(frame, ("id.orig_h", "id.resp_h"), records)
    protocol = frame["proto"].fill_null("").str.to_lowercase().replace_strict(sensors.PROTOCOLS, default=0).to_numpy()
    six = records["ethertype"] == sensors.IPV6
    protocol = np.where((protocol == 1) & six, 58, protocol)
    records["protocol"] = protocol
    source, target = (frame[name].fill_null(0).to_numpy() & 0xFFFF for name in ("id.orig_p", "id.resp_p"))
    icmp = (protocol == 1) | (protocol == 58)
    records["src_port"] = np.where(icmp, (source & 0xFF) << 8 | (target & 0xFF), source)
    records["dst_port"] = np.where(icmp, 0, target)
    for name, field in COUNTS:
        records[field] = frame[name].fill_null(0).to_numpy().clip(0)
    records["src_vlan"] = records["dst_vlan"] = frame["vlan"].fill_null(0).to_numpy() & 0xFFF
    states = {name: int(state) for name, state in STATES.items()}
    states_of = frame["conn_state"].fill_null("").replace_strict(states, default=0, return_dtype=pl.Int64).to_numpy()
    records["tcp_state"] = np.where(protocol == 6, states_of, 0)
    first, lasted = (frame[name].fill_null(0.0).fill_nan(0.0).to_numpy().clip(0, 9e9) for name in ("ts", "duration"))
    begun, duration = (np.round(each * MICROSECONDS).astype(np.int64) * 1000 for each in (first, lasted))
    sensors.put_times(records, begun, begun + duration)
    heap = sensors.put_labels(records, "service", frame["service"])
    keys = [f"{uid}\0{begin}" for uid, begin in zip(frame["uid"].fill_null(""), begun.tolist(), strict=True)]
    return sensors.batch_of(records, heap, keys, PROBE).select(np.flatnonzero(known))


class ZeekWriter(JsonLinesWriter):
    """IP flows as connections of Zeek, with community id; their state is told from flags and packets."""

    def _write(self, batch: FlowBatch) -> None:
        from topics.frame import to_arrow

        self._text(connections(pl.DataFrame(to_arrow(batch))), self._destination.stream)

    def _text(self, frame: pl.DataFrame, stream: BinaryIO) -> None:
        if frame.height:
            frame.write_ndjson(stream)


def connections(frame: pl.DataFrame) -> pl.DataFrame:
    """Return flow records, with the columns of topics/frame.py, as those of conn.log."""
    first = pl.min_horizontal("src_first", "dst_first")
    last = pl.max_horizontal("src_last", "dst_last")
    return sensors.with_ports(frame).select(
        (first.dt.epoch("us") / 1e6).alias("ts"),
        (pl.lit("C") + pl.col("flow_id").bin.encode("hex").str.slice(0, 17)).alias("uid"),
        ip_column(pl.col("src_address")).alias("id.orig_h"),
        pl.col("shown_source").alias("id.orig_p"),
        ip_column(pl.col("dst_address")).alias("id.resp_h"),
        pl.col("shown_target").alias("id.resp_p"),
        pl.col("protocol").replace_strict(sensors.NAMES, default="unknown_transport").alias("proto"),
        ((last - first).dt.total_microseconds() / 1e6).alias("duration"),
        pl.col("src_app_bytes").alias("orig_bytes"),
        pl.col("dst_app_bytes").alias("resp_bytes"),
        _state().alias("conn_state"),
        (pl.col("src_gap_bytes") + pl.col("dst_gap_bytes")).alias("missed_bytes"),
        pl.col("src_packets").alias("orig_pkts"),
        sensors.ip_bytes("src").alias("orig_ip_bytes"),
        pl.col("dst_packets").alias("resp_pkts"),
        sensors.ip_bytes("dst").alias("resp_ip_bytes"),
        pl.col("community_id"),
    )


def _state() -> pl.Expr:
    def has(bits: int) -> pl.Expr:
        return (pl.col("tcp_state").cast(pl.Int64) & int(bits)) != 0

    def sent(side: str, bits: int) -> pl.Expr:
        return (pl.col(f"{side}_tcp_flags").cast(pl.Int64) & int(bits)) != 0

    syn, answered = has(TcpState.SYN), has(TcpState.SYN_ACK)
    by_source, by_target = has(TcpState.SRC_RESET), has(TcpState.DST_RESET)
    ended, answer_ended = sent("src", TcpFlags.FIN), sent("dst", TcpFlags.FIN)
    both = (ended & answer_ended) | has(TcpState.NORMAL_CLOSE)
    return (
        pl.when(pl.col("protocol") != 6)
        .then(pl.when(pl.col("dst_packets") > 0).then(pl.lit("SF")).otherwise(pl.lit("S0")))
        .when(syn & ~answered & by_target)
        .then(pl.lit("REJ"))
        .when(syn & ~answered & by_source)
        .then(pl.lit("RSTOS0"))
        .when(syn & ~answered & ended)
        .then(pl.lit("SH"))
        .when(syn & ~answered & (pl.col("dst_packets") == 0))
        .then(pl.lit("S0"))
        .when(syn & answered & by_source)
        .then(pl.lit("RSTO"))
        .when(syn & answered & by_target)
        .then(pl.lit("RSTR"))
        .when(syn & answered & both)
        .then(pl.lit("SF"))
        .when(syn & answered & ended)
        .then(pl.lit("S2"))
        .when(syn & answered & answer_ended)
        .then(pl.lit("S3"))
        .when(syn & answered)
        .then(pl.lit("S1"))
        .otherwise(pl.lit("OTH"))
    )
