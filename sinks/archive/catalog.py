"""The files of an archive that count, with what they say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sinks.archive.replacing import recover
from sinks.files.facts import facts_of

if TYPE_CHECKING:
    from sinks.archive.store import Listed, Store

SUFFIXES = (".parquet", ".avro", ".jsonl", ".csv")
DAILY = ".daily"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its key, its bytes, and its facts, empty for one of another writer."""

    key: str
    size: int
    facts: dict[str, Any]

    @property
    def span(self) -> tuple[int, int]:
        """From when to when it is (ns since 1970): the bin of a sink's file."""
        first, end = self.facts["bin"]
        return int(first), int(end)

    @property
    def name(self) -> str:
        """Its name without directories."""
        return PurePosixPath(self.key).name

    @property
    def is_daily(self) -> bool:
        """Whether it was made of smaller ones."""
        return DAILY in PurePosixPath(self.key).suffixes


def files(store: Store) -> list[Listed]:
    """Return the files of records that count, after what earlier processes left half done was finished."""
    listed = list(store.list())
    hidden = set(recover(store, listed))
    still = {entry.key for entry in store.list()}
    return [each for each in listed if each.key in still - hidden and is_record_file(each.key)]


def is_record_file(key: str) -> bool:
    """Tell whether a key is that of a file of records."""
    name = PurePosixPath(key).name
    return not name.startswith(".") and name.endswith(SUFFIXES)


def entry(store: Store, listed: Listed) -> Entry:
    """Return a file with its facts."""
    with store.local(listed.key) as path:
        return Entry(listed.key, listed.size, facts_of(path))
