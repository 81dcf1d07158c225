"""Flows in SQL databases: PostgreSQL, MySQL or MariaDB, a DuckDB or SQLite file, in tables of the same columns."""

from sinks.sql.sink import Keeping, Merging, SqlSink

__all__ = ["Keeping", "Merging", "SqlSink"]
