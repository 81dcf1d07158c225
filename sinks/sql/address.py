"""Addresses of databases: which kind of store, and a name for messages that shows no password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from topics.errors import UsageError

DUCKDB_SUFFIX = ".duckdb"
KNOWN = "duckdb:///FILE, FILE.duckdb or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def parse(text: str) -> URL:
    """Return the URL of a database; a name ending in .duckdb is that file.

    Raises UsageError, which never shows what may be a password, for anything but a DuckDB file or PostgreSQL.
    """
    if "://" not in text:
        if not text.endswith(DUCKDB_SUFFIX):
            raise UsageError(f"no database address: expected {KNOWN}")
        return URL.create("duckdb", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"database address cannot be read: expected {KNOWN}") from error
    kind = url.drivername.partition("+")[0]
    if kind == "postgres":
        kind = "postgresql"
    if kind not in ("duckdb", "postgresql"):
        raise UsageError(f"unknown kind of database '{kind}': expected {KNOWN}")
    if kind == "duckdb" and (not url.database or url.database == ":memory:"):
        raise UsageError(f"a DuckDB address names its file: expected {KNOWN}")
    return url.set(drivername=kind)


def display_name(url: URL) -> str:
    """Return the address for messages: no password, no options."""
    if url.drivername == "duckdb":
        return str(Path(url.database or ""))
    shown = URL.create(url.drivername, url.username, host=url.host, port=url.port, database=url.database)
    return shown.render_as_string(hide_password=False)


def without_password(text: str, url: URL) -> str:
    """Return the first line of a database's message with the password blotted out, should it be in it."""
    line = (text.strip() or "no reason given").splitlines()[0]
    secrets = [url.password, *(str(value) for key, value in url.query.items() if "password" in key)]
    for secret in secrets:
        if secret:
            line = line.replace(str(secret), "***")
    return line
