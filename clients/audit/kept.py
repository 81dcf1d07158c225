"""What sinks hold: directories of Parquet files, and databases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from clients.audit.ledger import Amount, Who
from topics.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.engine import URL

QUERY = """
SELECT site, probe, count(*), CAST(sum(records) AS BIGINT),
  CAST(sum(packets + src_duplicate_packets + dst_duplicate_packets) AS BIGINT) FROM flows
WHERE flow_start BETWEEN {first} AND {last} GROUP BY site, probe
"""


def in_files(directory: Path, first: int, last: int) -> dict[Who, Amount]:
    """Return what the Parquet files below a directory hold of flows that began between two times (ns)."""
    import polars as pl

    from clients.sources import record_files
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
    from sinks.sql.address import display_name, parse, without_password

    url = parse(address)
    query = QUERY.format(first=int(first), last=int(last))
    try:
        return _amounts(_duckdb(url, query) if url.drivername == "duckdb" else _postgresql(url, query))
    except Exception as error:  # noqa: BLE001 - two drivers, two trees of exceptions
        raise DatabaseError(f"{display_name(url)}: {without_password(str(error), url)}") from None


def _duckdb(url: URL, query: str) -> list[tuple[Any, ...]]:
    import duckdb

    with closing(duckdb.connect(url.database or "", read_only=True)) as connection:
        return connection.execute(query).fetchall()


def _postgresql(url: URL, query: str) -> list[tuple[Any, ...]]:
    import psycopg

    text = url.render_as_string(hide_password=False)
    with closing(psycopg.connect(text, connect_timeout=10)) as connection:
        return connection.execute(query.encode()).fetchall()


def _amounts(rows: Iterable[tuple[Any, ...]]) -> dict[Who, Amount]:
    return {(site or "", probe or ""): Amount(records, packets, flows) for site, probe, flows, records, packets in rows}
