"""Flows in SQL databases: a DuckDB file or a PostgreSQL server, in one table of the same columns."""

from sinks.sql.sink import SqlSink

__all__ = ["SqlSink"]
