"""Files in place of others, step by step; and what a process that died between two steps left to do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sinks.archive.local import STAGED
from sinks.archive.spans import merged_facts
from sinks.archive.swap import ANNOUNCED, Swap
from sinks.files.facts import LEDGER, ledger_bytes, read_ledger
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sinks.archive.catalog import Entry
    from sinks.archive.store import Listed, Store

PARQUET = ".parquet"
REMOVED = ".argosy.removed.json"
Facts = dict[str, Any]


def beside(key: str, name: str) -> str:
    """Return the key of another file in the directory of a key."""
    return PurePosixPath(key).with_name(name).as_posix()


def replace(store: Store, staged: Path, new: str, old: Sequence[str], facts: Mapping[str, Facts]) -> bool:
    """Let a staged file take the place of old ones, all keys below the directory of `new`.

    `facts` has those of old files that a sink may be asked to write again. Return whether the old files are gone: they
    stay, and do not count, while a process reads the archive.
    """
    announcement = beside(new, ANNOUNCED)
    swap = Swap(PurePosixPath(new).name, _names(new, old), merged=_merged(new, facts))
    store.put(announcement, swap.as_bytes())
    store.publish(staged, new)
    return _done(store, announcement, swap)


def remove(store: Store, entry: Entry, facts: Mapping[str, Facts]) -> bool:
    """Remove a file for good, `facts` as in `replace`; return whether it is gone already."""
    key = entry.key
    swap = Swap("", _names(key, [key]), merged=_merged(key, facts), removed=merged_facts([entry.facts]))
    return _done(store, beside(key, ANNOUNCED), swap)


def is_busy(store: Store, key: str) -> bool:
    """Tell whether files that were replaced in the directory of a key still have to go."""
    return store.read(beside(key, ANNOUNCED)) is not None


def _names(new: str, keys: Sequence[str]) -> tuple[str, ...]:
    directory = PurePosixPath(new).parent
    return tuple(PurePosixPath(key).relative_to(directory).as_posix() for key in keys)


def _merged(new: str, facts: Mapping[str, Facts]) -> dict[str, Facts]:
    return dict(zip(_names(new, list(facts)), facts.values(), strict=True))


def _done(store: Store, announcement: str, swap: Swap) -> bool:
    """From here on the new file counts."""
    done = dataclasses.replace(swap, done=True)
    store.put(announcement, done.as_bytes())
    return _finish(store, announcement, done)


def recover(store: Store, files: Sequence[Listed]) -> list[str]:
    """Finish or undo what earlier processes began; return the keys of files that still do not count.

    Raises InputError for an announcement that cannot be read.
    """
    hidden: list[str] = []
    for listed in files:
        name = PurePosixPath(listed.key).name
        if name.startswith(STAGED):
            store.delete(listed.key)
        if name == ANNOUNCED:
            hidden += _recover(store, listed.key)
    return hidden


def _recover(store: Store, announcement: str) -> list[str]:
    data = store.read(announcement)
    if data is None:
        return []
    try:
        swap = Swap.of(data)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{store.address}/{announcement}: is damaged") from error
    if swap.done:
        return [] if _finish(store, announcement, swap) else [beside(announcement, name) for name in swap.old]
    store.delete(beside(announcement, swap.new))
    store.delete(announcement)
    return []


def _finish(store: Store, announcement: str, swap: Swap) -> bool:
    """Remember what is known of the old files, remove them, and with that the announcement."""
    directory = PurePosixPath(announcement).parent
    keys = [(directory / name).as_posix() for name in swap.old]
    _remember(store, {(directory / name).as_posix(): facts for name, facts in swap.merged.items()})
    if swap.removed:
        _account(store, swap.removed)
    if any(store.is_read(key) for key in keys):
        return False
    for key in keys:
        store.delete(key)
        if not key.endswith(PARQUET):
            store.delete(beside(key, f".{PurePosixPath(key).name}.facts"))
    store.delete(announcement)
    return True


def _remember(store: Store, merged: Mapping[str, Facts]) -> None:
    """Keep the facts of files that go in the ledger of their directory, for a sink that reads the bus again."""
    ledgers: dict[str, dict[str, Facts]] = {}
    for key, facts in merged.items():
        ledgers.setdefault(beside(key, LEDGER), {})[PurePosixPath(key).name] = facts
    for ledger, entries in ledgers.items():
        known = read_ledger(store.read(ledger) or b"")
        if known | entries != known:
            store.put(ledger, ledger_bytes(known | entries))


def _account(store: Store, removed: Facts) -> None:
    """Note what removed files held, so that nobody misses them."""
    known = removed_facts(store)
    both = merged_facts([known, removed])
    if {name: both[name] for name in ("spans", "runs")} != {name: known.get(name) for name in ("spans", "runs")}:
        store.put(REMOVED, json.dumps(both, separators=(",", ":")).encode())


def removed_facts(store: Store) -> Facts:
    """Return what was noted of removed files: their offsets and numbers."""
    return dict(json.loads(store.read(REMOVED) or b"{}"))
