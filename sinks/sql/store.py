"""What a database has to do for the SQL sink, and which one an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sinks.sql.address import parse

if TYPE_CHECKING:
    import polars as pl


class Store(Protocol):
    """A database with the table `flows`. Every method raises DatabaseError naming the database when it refuses."""

    at_once: int
    """Records that are best written together."""

    def upsert(self, rows: pl.DataFrame) -> None:
        """Write rows, one a key, in place of those with the same key: all of them or, after an error, none.

        Raises DatabaseAwayError when it may go well later: then some of them may be there.
        """

    def close(self) -> None:
        """Leave the database."""


def open_store(address: str) -> Store:
    """Return the database at an address, its table made when it is not there.

    Raises UsageError for an address of no known kind, DatabaseError when the database refuses.
    """
    url = parse(address)
    if url.drivername == "duckdb":
        from sinks.sql.duckdb import DuckdbStore

        return DuckdbStore(url)
    from sinks.sql.postgresql import PostgresqlStore

    return PostgresqlStore(url)
