"""What keeps: databases and archives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.result import BUILD, Result

if TYPE_CHECKING:
    from tests.bench.result import Results, Suite

NAMES = {"duckdb": "DuckDB", "sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}


def bench_databases(_runs: int) -> Results:
    """Flows into each database through the SQL sink, again, and back out; its server is on the same cores."""
    yield from _databases("duckdb", "postgresql")


def bench_other_databases(_runs: int) -> Results:
    """The same of those that the page about capacity does not speak of."""
    yield from _databases("sqlite", "mariadb")


def _databases(*only: str) -> Results:
    from tests.bench.databases import measure
    from tests.bench.probe import captures

    for rates in measure(captures(BUILD)[1], only):
        name = NAMES[rates.database]
        yield f"{name}, in", Result(rates.kept, "records/s")
        yield f"{name}, in again", Result(rates.replayed, "records/s")
        yield f"{name}, out", Result(rates.read, "records/s")


def bench_archive(_runs: int) -> Results:
    """Bytes a flow in files, beside Argus's; how fast they are written, compacted, and asked for one host."""
    from tests.bench.archive import argus_bytes, measure
    from tests.bench.probe import captures

    capture = captures(BUILD)[0]
    sizes, theirs = measure(capture), argus_bytes(capture)
    for name, size in {"as they come": sizes.sink, **sizes.daily}.items():
        yield f"archive, {name}", Result(size, "bytes/flow", theirs, None if theirs is None else theirs / size)
    yield "archive, kept", Result(sizes.kept, "flows/CPU s")
    yield "archive, compacted", Result(sizes.compacted, "flows/CPU s")
    yield "archive, one host", Result(sizes.host, "s")


SUITE: Suite = {
    "databases": bench_databases,
    "other-databases": bench_other_databases,
    "archive": bench_archive,
}
