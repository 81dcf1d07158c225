"""What sinks hold: directories of Parquet files, and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.audit.ledger import Amount, Who

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

QUERY = """
SELECT site, probe, count(*), sum(records), sum(packets + src_duplicate_packets + dst_duplicate_packets) FROM {table}
WHERE flow_start BETWEEN {first} AND {last} GROUP BY site, probe
"""


def in_files(directory: Path, first: int, last: int) -> dict[Who, Amount]:
    """Return what the Parquet files below a directory hold of flows that began between two times (ns)."""
    import polars as pl

    from clients.reading.source_names import record_files
    from sinks.formats.scan import scan
    from topics.batch import PACKET_COUNTS
    from topics.errors import InputError

    try:
        paths = [path for path in record_files(str(directory)) if path.endswith(".parquet")]
    except InputError:  # nothing was kept yet
        return {}
    if not paths:
        return {}
    start = pl.col("flow_start").dt.epoch("ns")
    packets = pl.sum_horizontal(PACKET_COUNTS).sum()
    frame = (
        scan(paths)
        .filter(start.is_between(first, last))
        .group_by(pl.col("site", "probe").cast(pl.String))
        .agg(pl.len(), pl.col("records").sum().alias("merged"), packets.alias("packets"))
        .collect()
    )
    return _amounts(frame.select("site", "probe", "len", "merged", "packets").rows())


def in_database(address: str, first: int, last: int) -> dict[Who, Amount]:
    """Return what a database holds of flows that began between two times (ns); raises DatabaseError."""
    from sinks.sql.reader import ask

    return _amounts(ask(address, QUERY.format(table="{table}", first=int(first), last=int(last))))


def _amounts(rows: Iterable[tuple[Any, ...]]) -> dict[Who, Amount]:
    """Return what rows of (site, probe, flows, records, packets) add up to."""
    sums: dict[Who, tuple[int, int, int]] = {}
    for site, probe, flows, records, packets in rows:
        who = (site or "", probe or "")
        before = sums.get(who, (0, 0, 0))
        sums[who] = (before[0] + int(records), before[1] + int(packets), before[2] + int(flows))
    return {who: Amount(*found) for who, found in sums.items()}
