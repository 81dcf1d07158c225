"""`argosy archive verify`: is every file whole, and is one missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clients.options import Option

if TYPE_CHECKING:
    from clients.archive.told import Told
    from clients.options import Parsed
    from sinks.archive.catalog import Entry
    from sinks.archive.store import Store

WHAT = "is every file whole, and is one missing"
SUMMARY = """\
Reads every file with its checksums, compares its records with what it says of itself, and looks for files that are
missing and for offsets of the bus that no file holds. Exit status: 0 when all is well, 1 when something is wrong."""
OPTIONS = (Option("--quick", "", "do not read the files, only what they say of themselves"),)
MOST_SAID = 5


class Wish(NamedTuple):
    """What the command line asks for."""

    quick: bool
    quiet: bool


def wish(parsed: Parsed) -> Wish:
    """Return what is asked for."""
    return Wish(bool(parsed.count("--quick") or parsed.count("-n")), bool(parsed.count("-q")))


def work(store: Store, asked: Wish, _now: int) -> int:
    """Verify; return 1 when something is wrong."""
    from clients.archive.told import Told, in_bytes
    from sinks.archive import catalog
    from sinks.archive.replacing import removed_facts

    listed, entries, wrong = catalog.files(store), list[catalog.Entry](), 0
    with Told(len(listed), quiet=asked.quiet) as told:
        for each in listed:
            entry = catalog.entry(store, each)
            entries.append(entry)
            wrong += _file(store, entry, asked, told)
            told.next_file()
        known = [*(each.facts for each in entries), removed_facts(store)]
        wrong += _missing(known, told)
        _gaps(known, told)
        records = sum(int(each.facts.get("records", 0)) for each in entries)
        size = in_bytes(sum(each.size for each in entries))
        told.say(f"{len(entries)} files, {size}, {records:,} records: {f'{wrong} wrong' if wrong else 'all is well'}")
    return 1 if wrong else 0


def _file(store: Store, entry: Entry, asked: Wish, told: Told) -> int:
    from sinks.archive.checking import wrong

    if not entry.facts:
        with store.local(entry.key) as path:
            text = wrong(path, entry.facts, told.read)
        told.wrong(f"{entry.key}: {text or 'says nothing of its content, so that only its being readable was checked'}")
        return bool(text)
    if asked.quick:
        return 0
    with store.local(entry.key) as path:
        text = wrong(path, entry.facts, told.read)
    if text:
        told.wrong(f"{entry.key}: {text}")
    return bool(text)


def _missing(known: list[dict[str, Any]], told: Told) -> int:
    """Say which files of a sink's run are not there: those that retention took are known."""
    from sinks.archive.spans import all_numbers, gaps

    missing = 0
    for run, spans in sorted(all_numbers(known).items()):
        for first, last in gaps(spans)[:MOST_SAID]:
            missing += last - first + 1
            told.wrong(f"{last - first + 1} files of the sink's run {run} are missing, number {first} to {last}")
    return missing


def _gaps(known: list[dict[str, Any]], told: Told) -> None:
    from sinks.archive.spans import all_offsets, gaps

    for source, spans in sorted(all_offsets(known).items()):
        found = gaps(spans)
        if found:
            count = sum(last - first + 1 for first, last in found)
            told.say(f"{source}: offsets {spans[0][0]} to {spans[-1][1]}, {count} of them in no file"
                     " (messages without flows that were wanted, or files that are gone)")  # fmt: skip
        else:
            told.say(f"{source}: offsets {spans[0][0]} to {spans[-1][1]}, without a gap")
