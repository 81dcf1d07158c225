"""What a database does for the SQL sink, and which one an address means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from sinks.sql import statements
from sinks.sql.address import display_name, parse, without_password
from sinks.sql.layout import KEY, NAME, RECORD, ROW_KEY
from sinks.sql.statements import POSITIONS, listed, quoted
from topics.errors import DatabaseAwayError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import polars as pl
    from sqlalchemy.engine import URL

    from sinks.sql.layout import Layout
    from sinks.sql.statements import Engine


class Store(ABC):
    """A database that tables of flows are kept in.

    Every method raises DatabaseError naming the database when it refuses, DatabaseAwayError when the same may go well
    later: nothing of a transaction is there after an error, unless the connection was lost as it was committed.
    """

    at_once: ClassVar[int]
    """Records that are best written together."""
    mark: ClassVar[str] = "?"
    """What stands for a parameter."""
    errors: tuple[type[Exception], ...]
    """What the driver raises."""
    engine: Engine

    def __init__(self, url: URL) -> None:
        self.url = url

    @abstractmethod
    def transaction(self, alone: str = "") -> AbstractContextManager[None]:
        """Return what commits at its end, or rolls everything back; `alone` keeps others out of the table named."""

    @abstractmethod
    def upsert(self, table: str, layout: Layout, rows: pl.DataFrame) -> None:
        """Write rows, one a key, in place of those with the same key, within a transaction."""

    @abstractmethod
    def records(self, table: str, row_keys: Sequence[str]) -> list[bytes]:
        """Return the whole records of the rows with these keys (hexadecimal), within a transaction."""

    @abstractmethod
    def close(self) -> None:
        """Leave the database."""

    @abstractmethod
    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""

    @abstractmethod
    def _columns(self, table: str) -> list[str]:
        """Return the columns of a table, none when it is not there."""

    @abstractmethod
    def _tables(self) -> list[str]:
        """Return the names of all tables."""

    @abstractmethod
    def _is_away(self, error: Exception) -> bool:
        """Tell whether what the driver raised may be over later."""

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        with self.transaction():
            return self._tables()

    def prepare(self, table: str, layout: Layout, part_of: tuple[str, str, str] | None = None) -> None:
        """Make a table that is not there, and give one that is the columns it lacks.

        `part_of` makes it a partition of a table, from one time (text) to another. DatabaseError tells the statement
        to run when we may not, and why a table does not fit.
        """
        with self.transaction(alone=table):
            found = self._columns(table)
            if not found:
                self._create(table, layout, part_of)
                return
            for statement in statements.missing_statements(table, found, layout, self.engine):
                self._alter(statement)
            self._check(table, layout)

    def _create(self, table: str, layout: Layout, part_of: tuple[str, str, str] | None) -> None:
        if part_of is not None:
            raise self.error("only PostgreSQL has partitions: leave them out, and there is a table for each time")
        self._execute(statements.create_table(table, layout, self.engine))
        for statement in statements.create_indexes(table, layout, self.engine):
            self._execute(statement)
        if statements.has_view(table, layout):
            self._execute(statements.create_view(self.engine))

    def _alter(self, statement: str) -> None:
        try:
            self._execute(statement)
        except self.errors as error:
            if self._is_away(error):
                raise
            raise self.error(f"{self._reason(error)}; let its owner run: {statement}") from error

    def _check(self, table: str, layout: Layout) -> None:
        found = self._columns(table)
        missing = [name for name in layout.names if name not in found]
        foreign = [name for name in (*KEY, ROW_KEY) if name in found and name not in layout.names]
        if missing or foreign:
            what = f"lacks the column {missing[0]}" if missing else f"has the column {foreign[0]}"
            raise self.error(f"table {table} {what}: it was made for other fields or keys, so name another table")

    def drop(self, table: str) -> None:
        """Drop a table, and the view of ours that stands on it."""
        with self.transaction():
            if table == NAME:
                self._execute(statements.DROP_VIEW)
            self._execute(f"DROP TABLE {quoted(table, self.engine)}")

    def forget(self, table: str, before: Any) -> None:  # noqa: ANN401 - a time as the driver takes it
        """Delete the rows of a table that ended before a time."""
        with self.transaction():
            self._execute(f"DELETE FROM {quoted(table, self.engine)} WHERE ltime < {self.mark}", [self.moment(before)])  # noqa: S608 - names of ours

    def moment(self, time: Any) -> Any:  # noqa: ANN401 - a datetime, and as the driver takes it
        """Return a time as the database has it."""
        return time

    def keep_positions(self) -> None:
        """Make the table of positions when it is not there."""
        with self.transaction(alone=POSITIONS):
            if not self._columns(POSITIONS):
                self._execute(statements.create_positions(self.engine))

    def position(self, target: str, source: str) -> int:
        """Return the offset from which a source has to be read into a target, 0 at first, within a transaction."""
        question = f"SELECT next_offset FROM {POSITIONS} WHERE target = {self.mark} AND source = {self.mark}"  # noqa: S608 - names of ours
        return next((int(offset) for (offset,) in self._execute(question, [target, source])), 0)

    def note_positions(self, target: str, offsets: Mapping[str, int]) -> None:
        """Note the offsets from which sources have to be read into a target, within a transaction."""
        for source, offset in offsets.items():
            parameters = [target, source]
            self._execute(
                f"DELETE FROM {POSITIONS} WHERE target = {self.mark} AND source = {self.mark}",  # noqa: S608 - names of ours
                parameters,
            )
            self._execute(
                f"INSERT INTO {POSITIONS} (target, source, next_offset) VALUES ({self.mark}, {self.mark}, {self.mark})",  # noqa: S608 - names of ours
                [*parameters, offset],
            )

    def error(self, reason: str) -> DatabaseError:
        """Return an error that names the database."""
        return DatabaseError(f"{display_name(self.url)}: {reason}")

    def _reason(self, error: Exception) -> str:
        return without_password(str(error), self.url)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not isinstance(error, (*self.errors, OSError)):
                raise
            kind = DatabaseAwayError if self._is_away(error) else DatabaseError
            raise kind(f"{display_name(self.url)}: {self._reason(error)}") from error


def in_pieces(store: Store, table: str, row_keys: Sequence[Any], mark: str) -> tuple[str, list[Sequence[Any]]]:
    """Return the question for the records of up to 500 keys, and the keys in pieces of that size."""
    marks = ", ".join([mark] * min(500, len(row_keys)))
    question = (
        f"SELECT {listed([RECORD], store.engine)} FROM {quoted(table, store.engine)} "  # noqa: S608 - names of ours
        f"WHERE {ROW_KEY} IN ({marks})"
    )
    return question, [row_keys[start : start + 500] for start in range(0, len(row_keys), 500)]


def open_store(address: str) -> Store:
    """Return the database at an address.

    Raises UsageError for an address of no known kind, DatabaseError when the database refuses.
    """
    url = parse(address)
    if url.drivername == "duckdb":
        from sinks.sql.duckdb import DuckdbStore

        return DuckdbStore(url)
    if url.drivername == "sqlite":
        from sinks.sql.sqlite import SqliteStore

        return SqliteStore(url)
    if url.drivername == "mysql":
        from sinks.sql.mysql import MysqlStore

        return MysqlStore(url)
    from sinks.sql.postgresql import PostgresqlStore

    return PostgresqlStore(url)
