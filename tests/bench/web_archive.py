"""An archive for the bench of the page: the flows of the sample, repeated with other times, hosts and ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.reading.sources import to_batch
from sinks.formats.parquet import ParquetWriter
from sinks.formats.scan import scan

if TYPE_CHECKING:
    from pathlib import Path

HOURS = 24
HOUR = 3600 * 10**9
BEGIN = 1_773_100_800 * 10**9  # 2026-03-10 00:00 UTC
CLIENTS, SERVERS = 20_000, 3_000
COUNTRIES = ("DE", "US", "FR", "NL", "GB", "JP", "BR", "IN", "ZA", "AU", "SE", "PL", "CH", "KR", "CA", "SG")
TIMES = ("src_first", "src_last", "dst_first", "dst_last", "flow_start")
AT_ONCE = 1 << 17
MAPPED = bytes(10) + b"\xff\xff"

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def make_archive(directory: Path, sample: Path, flows: int, seed: int = 1) -> None:
    """Write `flows` flows over a day, an hour a file, into `directory`; `sample` is a file of flows."""
    base = scan([str(sample)]).filter(pl.col("src_first").is_not_null() & (pl.col("ethertype") == 0x0800)).collect()
    base = base.sort(pl.min_horizontal("src_first", "dst_first"))
    random = np.random.default_rng(seed)
    for hour in range(HOURS):
        place = directory / "2026-03-10" / f"flows.{hour:02}.00.00.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        writer, count = ParquetWriter(str(place)), flows // HOURS
        starts = np.sort(random.integers(0, HOUR - HOUR // 20, count)) + BEGIN + hour * HOUR
        for begin in range(0, count, AT_ONCE):
            writer.write(to_batch(_repeated(base, starts[begin : begin + AT_ONCE], random)))
        writer.describe({"first": int(starts[0]), "last": int(starts[-1]) + HOUR // 20})
        writer.close()


def _repeated(base: pl.DataFrame, starts: Numbers, random: np.random.Generator) -> pl.DataFrame:
    count = len(starts)
    rows = base[random.integers(0, base.height, count)]
    first = rows.select(pl.min_horizontal("src_first", "dst_first").cast(pl.Int64)).to_series()
    shift = pl.Series("shift", starts) - first
    clients = np.minimum(random.zipf(1.3, count) - 1, CLIENTS - 1)
    servers = np.minimum(random.zipf(1.2, count) - 1, SERVERS - 1)
    factor = pl.Series("factor", random.integers(1, 20, count))
    return rows.with_columns(
        *((pl.col(name).cast(pl.Int64) + shift).cast(pl.Datetime("ns", "UTC")) for name in TIMES),
        *(pl.col(name) * factor for name in ("src_bytes", "dst_bytes")),
        pl.Series("flow_id", [value.tobytes() for value in random.integers(0, 256, (count, 16), np.uint8)], pl.Binary),
        _hosts("src_address", clients, bytes((10,))),
        _hosts("dst_address", servers, bytes((203,))),
        pl.Series("src_port", random.integers(1024, 65536, count).astype(np.uint16)),
        _labels(servers),
    )


def _hosts(name: str, numbers: Numbers, network: bytes) -> pl.Series:
    known = [MAPPED + network + int(number).to_bytes(3, "big") for number in range(max(CLIENTS, SERVERS))]
    return pl.Series(name, known, pl.Binary).gather(numbers)


def _labels(servers: Numbers) -> pl.Series:
    known = [
        f"dco={COUNTRIES[number % len(COUNTRIES)]}:das={64_496 + number % 97}:dname=host{number}.example"
        for number in range(SERVERS)
    ]
    return pl.Series("labels", known, pl.String).gather(servers)
