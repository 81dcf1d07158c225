"""Addresses of databases and of tables in them, and a name for messages that shows no password."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from topics.errors import UsageError

KINDS = {"postgres": "postgresql", "mariadb": "mysql"} | {
    name: name for name in ("duckdb", "sqlite", "postgresql", "mysql")
}
SUFFIXES = {".duckdb": "duckdb", ".sqlite": "sqlite", ".sqlite3": "sqlite"}
FILE_AND_TABLE = re.compile(r"(?P<file>.*(?P<suffix>\.duckdb|\.sqlite3?))(?:/(?P<table>[^/]*))?", re.DOTALL)
KNOWN = "FILE.duckdb, FILE.sqlite, postgresql://USER@HOST:PORT/DATABASE or mysql://USER@HOST:PORT/DATABASE"
SECRET = re.compile("pass|secret|key", re.IGNORECASE)


def is_database(text: str) -> bool:
    """Tell whether a name is the address of a database rather than that of a file of records."""
    scheme, found, _ = text.partition("://")
    return scheme.partition("+")[0] in KINDS if found else _in_file(text) is not None


def parse(text: str) -> URL:
    """Return the URL of a database; a name ending in .duckdb or .sqlite is that file.

    Raises UsageError, which never shows what may be a password, for anything but a file of DuckDB or SQLite,
    PostgreSQL, MySQL or MariaDB.
    """
    return parse_table(text)[0]


def parse_table(text: str) -> tuple[URL, str]:
    """Return the URL of a database and the table named behind it (`.../DATABASE/TABLE`), empty for none.

    Raises UsageError as `parse` does.
    """
    scheme, found, rest = text.partition("://")
    if not found:
        return _file(text)
    kind = KINDS.get(scheme.partition("+")[0])
    if kind is None:
        shown = f"'{scheme}'" if scheme.isalnum() else "of that name"
        raise UsageError(f"unknown kind of database {shown}: expected {KNOWN}")
    if kind in ("duckdb", "sqlite"):
        return _file_url(kind, rest)
    head, question, options = rest.partition("?")
    parts = head.split("/")
    table = parts.pop() if len(parts) > 2 else ""
    try:
        url = make_url(f"{kind}://{'/'.join(parts)}{question}{options}")
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"database address cannot be read: expected {KNOWN}") from error
    if len(parts) > 2 or not url.database:
        raise UsageError(f"a database address names the database: expected {KNOWN}")
    return url, table


def _file(text: str) -> tuple[URL, str]:
    found = _in_file(text)
    if found is None:
        raise UsageError(f"no database address: expected {KNOWN}")
    return URL.create(SUFFIXES[found["suffix"]], database=found["file"]), found["table"] or ""


def _in_file(text: str) -> re.Match[str] | None:
    return FILE_AND_TABLE.fullmatch(text)


def _file_url(kind: str, rest: str) -> tuple[URL, str]:
    path = rest.removeprefix("/").partition("?")[0]
    found = _in_file(path)
    file, table = (found["file"], found["table"] or "") if found else (path, "")
    if not rest.startswith("/") or not file or file == ":memory:":
        raise UsageError(f"a database in a file names that file: expected {KNOWN}")
    return URL.create(kind, database=file), table


def display_name(url: URL) -> str:
    """Return the address for messages: no password, no options."""
    if url.drivername in ("duckdb", "sqlite"):
        return str(Path(url.database or ""))
    shown = URL.create(url.drivername, url.username, host=url.host, port=url.port, database=url.database)
    return shown.render_as_string(hide_password=False)


def without_password(text: str, url: URL) -> str:
    """Return the first line of a database's message with the password blotted out, should it be in it."""
    line = (text.strip() or "no reason given").splitlines()[0]
    secrets = [url.password, *(str(value) for key, value in url.query.items() if SECRET.search(key))]
    for secret in secrets:
        if secret:
            line = line.replace(str(secret), "***")
    return line
