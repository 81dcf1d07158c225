"""`argosy archive import`: files of Argus become files of the archive, each once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.options import Option
from topics.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.archive.told import Told
    from clients.options import Parsed
    from sinks.archive.store import Store
    from sinks.files.contents import Contents
    from topics.batch import FlowBatch

WHAT = "take over the files of an Argus archive"
SUMMARY = """\
Reads all files of Argus (version 3 and 5, also gzip, bzip2, xz) below directories and writes a Parquet file for each,
under its path and name. What was written is read back, and its records, packets and bytes are compared. A file that is
there already is left out, so an import that was interrupted goes on where it was. Exit status: 0 when all is well,
1 when a file is damaged: the records before the damage are kept."""
OPTIONS = (
    Option("-R", "DIR...", "the directories"),
    Option("--site", "NAME", "where the probes stand"),
    Option("-e", "NAME", "probe of records without a source id"),
)
DAY = 86_400 * 10**9
SUMS = ("packets", "bytes")


class Wish(NamedTuple):
    """What the command line asks for."""

    directories: list[str]
    site: str
    probe: str
    dry: bool
    quiet: bool


class _Totals:
    """Records, packets and bytes of some files."""

    def __init__(self) -> None:
        self.files = self.known = self.records = self.packets = self.bytes = self.others = 0

    def add(self, contents: Contents, others: int) -> None:
        self.files += 1
        self.records += contents.records
        self.packets += contents.packets
        self.bytes += contents.bytes
        self.others += others


def wish(parsed: Parsed) -> Wish:
    """Return what is asked for, and make the directory of the archive; raises UsageError without `-R`."""
    directories, dry = parsed.words("-R"), bool(parsed.count("-n"))
    if not directories:
        raise UsageError("say what to import: -R DIR")
    if not dry and "://" not in parsed.rest[0]:
        from sinks.files.directory import make_directory

        make_directory(Path(parsed.rest[0]))
    return Wish(directories, parsed.word("--site") or "", parsed.word("-e") or "", dry, bool(parsed.count("-q")))


def work(store: Store, asked: Wish, _now: int) -> int:
    """Import; return 1 when a file is damaged."""
    from clients.archive.told import Told

    found = dict(_found(asked.directories))
    there = {each.key for each in store.list()}
    totals, wrong = _Totals(), 0
    with Told(len(found), quiet=asked.quiet) as told:
        for key, path in found.items():
            if key in there and _is_same(store, key, path):
                totals.known += 1
            elif asked.dry:
                told.say(f"{path}: would become {key}")
            else:
                wrong += _import(store, key, path, asked, told, totals)
            told.next_file()
        told.say(
            f"{totals.files} files imported, {totals.known} were there: {totals.records:,} records, "
            f"{totals.packets:,} packets, {totals.bytes:,} bytes read back; {totals.others:,} records of other kinds "
            f"left out{f'; {wrong} files are damaged' if wrong else ''}"
        )
    return 1 if wrong else 0


def _found(directories: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files of Argus below directories, and the key that each becomes."""
    from sinks.formats.names import MAGIC, Format, beginning

    seen: dict[str, Path] = {}
    for directory in directories:
        if not Path(directory).is_dir():
            raise InputError(f"{directory}: No such directory")
        for place, below, names in os.walk(directory):
            below.sort()
            for path in (Path(place, name) for name in sorted(names)):
                if path.is_symlink() or MAGIC.get(beginning(str(path))) is not Format.ARGUS:
                    continue
                key = f"{path.relative_to(directory).as_posix()}.parquet"
                if key in seen:
                    raise UsageError(f"option -R: {seen[key]} and {path} would become the same file, {key}")
                seen[key] = path
                yield key, path


def _state(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"file": path.name, "size": found.st_size, "changed": found.st_mtime_ns}


def _is_same(store: Store, key: str, path: Path) -> bool:
    """Tell whether a file was made of this one as it is now."""
    from sinks.files.facts import facts_of

    with store.local(key) as kept:
        imported = facts_of(kept).get("imported", {})
    return {name: imported.get(name) for name in _state(path)} == _state(path)


def _import(store: Store, key: str, path: Path, asked: Wish, told: Told, totals: _Totals) -> int:
    """Turn one file into one of the archive; return 1 when it is damaged."""
    from sinks.files.contents import Contents
    from sinks.formats.parquet import ParquetWriter
    from topics.argus.decoder import ArgusDecoder

    decoder = ArgusDecoder(str(path), asked.site, asked.probe)
    state, contents, damage = _state(path), Contents(0, 0), list[InputError]()
    staged = store.stage(key)
    with ParquetWriter(str(staged)) as writer:
        for batch in _whole(decoder, damage):
            told.read(len(batch))
            contents.add(batch)
            writer.write(batch)
        contents.start, contents.end = contents.first // DAY * DAY, (contents.last // DAY + 1) * DAY
        writer.describe(contents.as_json() | {"imported": state | {"damage": str(damage[0]) if damage else ""}})
    _compare(staged, contents)
    store.publish(staged, key)
    totals.add(contents, decoder.others)
    for error in damage:
        told.wrong(f"{error}; the {contents.records:,} records before it are kept")
    return len(damage)


def _whole(decoder: Any, damage: list[InputError]) -> Iterator[FlowBatch]:  # noqa: ANN401 - a decoder, loaded late
    from sinks.formats.argus import decoded

    try:
        yield from decoded(decoder)
    except InputError as error:
        damage.append(error)


def _compare(staged: Path, contents: Contents) -> None:
    """Read a file back; raises OutputError where its sums are not those of what was written to it."""
    import polars as pl

    sums = [(pl.col(f"src_{what}") + pl.col(f"dst_{what}")).sum().alias(what) for what in SUMS]
    found = pl.scan_parquet(staged, glob=False).select(pl.len().alias("records"), *sums).collect().row(0, named=True)
    for what in ("records", *SUMS):
        if found[what] != getattr(contents, what):
            raise OutputError(f"{staged}: holds {found[what]:,} {what}, {getattr(contents, what):,} were written")
