"""Where the facts on a file are kept: in its footer (Parquet), or in a side file, which is there before the file is.

A directory whose files were merged keeps the facts of those that are gone in a ledger, so that a sink that reads the
bus again knows them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from sinks.formats.destination import sync_directory, writing_to
from sinks.formats.names import Format
from sinks.formats.parquet import read_facts
from topics.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LEDGER = ".argosy.merged.jsonl"
AT_ONCE = 1 << 20


def side_file(path: Path) -> Path:
    """Return where the facts of a file stand that has no place for them itself."""
    return path.with_name(f".{path.name}.facts")


def has_footer(path: Path) -> bool:
    """Tell whether facts are kept in the file itself."""
    return path.suffix == Format.PARQUET


def facts_of(path: Path) -> dict[str, Any]:
    """Return what is known of a file, empty when nothing is: it is not there, damaged, or of another writer."""
    if has_footer(path):
        try:
            return read_facts(str(path))
        except InputError:
            return {}
    return _read(side_file(path)) if path.exists() else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def put_beside(path: Path, facts: dict[str, Any]) -> None:
    """Keep the facts of a file beside it, on disk when this returns; raises OutputError."""
    put_whole(side_file(path), json.dumps(facts, separators=(",", ":")).encode())


def put_whole(path: Path, data: bytes) -> None:
    """Let a small file appear whole, in place of one that may be there; raises OutputError."""
    aside = path.with_name(f"{path.name}.partial")
    with writing_to(str(path)):
        try:
            _put(aside, path, data)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)


def _put(aside: Path, path: Path, data: bytes) -> None:
    with aside.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # or who cleans up would take it for a leftover
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
        aside.replace(path)


def checksum(path: Path) -> str:
    """Return the BLAKE2b of a file's bytes, 16 bytes in hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while data := stream.read(AT_ONCE):
            digest.update(data)
    return digest.hexdigest()


class Ledger:
    """The facts of files of a directory that are merged into others, by name; read again when it changes."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LEDGER
        self._state: tuple[int, int, int] | None = None
        self._facts: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the facts of a file that was merged, None of one that was not."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        state = found.st_ino, found.st_mtime_ns, found.st_size
        if state != self._state:
            self._facts, self._state = read_ledger(self.path.read_bytes()), state
        return self._facts.get(name)


def read_ledger(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the facts in a ledger by name of file."""
    entries = [json.loads(line) for line in data.splitlines() if line.strip()]
    return {entry["name"]: entry["facts"] for entry in entries}


def ledger_bytes(entries: dict[str, dict[str, Any]]) -> bytes:
    """Return a ledger as it is kept: a line a file."""
    lines = (json.dumps({"name": name, "facts": facts}, separators=(",", ":")) for name, facts in entries.items())
    return "".join(f"{line}\n" for line in lines).encode()
