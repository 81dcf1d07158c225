"""How fast each database takes flows through the SQL sink and gives them back; its server is on the same cores."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from sinks.sql import SqlSink
from sinks.sql.reader import read_flows
from tests import mariadb, postgresql
from tests.bench.records import status_batches
from topics import filter as filters
from topics.batch import concatenate
from topics.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from topics.batch import FlowBatch

FILES = ("duckdb", "sqlite")
# What docs/guides/sql.md asks of a server that takes much, and deploy/compose gives it.
BULK = ("max_wal_size=8GB", "wal_buffers=64MB", "checkpoint_timeout=30min")
SERVERS = {"postgresql": lambda: postgresql.PostgresqlServer(*BULK), "mariadb": mariadb.MariadbServer}
RECORDS = 200_000
AT_ONCE = 16_384  # records in a batch, as messages of 896 KiB hold some thousands


class Rates(NamedTuple):
    """Records a second of wall time: into the database, the same ones once more, and back out."""

    database: str
    kept: float
    replayed: float
    read: float


def measure(capture: Path, names: Collection[str]) -> Iterator[Rates]:
    """Yield the rates of those databases that are installed."""
    flows = concatenate(status_batches(capture))
    flows = flows.select(slice(0, RECORDS))
    with tempfile.TemporaryDirectory() as directory, ExitStack() as servers:
        addresses = {name: f"{directory}/bench.{name}" for name in FILES if name in names}
        for name, server in SERVERS.items():
            if name in names:
                with suppress(ServerError):
                    addresses[name] = servers.enter_context(server()).url
        for name, address in addresses.items():
            yield Rates(name, _kept(address, flows), _kept(address, flows), _read(address, len(flows)))


def _kept(address: str, flows: FlowBatch) -> float:
    sink = SqlSink(address)
    begin = time.perf_counter()
    for start in range(0, len(flows), AT_ONCE):
        sink.write(flows.select(slice(start, start + AT_ONCE)))
    sink.close()
    return len(flows) / (time.perf_counter() - begin)


def _read(address: str, count: int) -> float:
    begin = time.perf_counter()
    found = sum(frame.height for frame in read_flows(address, filters.condition("ip or not ip")))
    assert found == count
    return count / (time.perf_counter() - begin)
