"""`argosy archive retain`: what is older than it has to be kept, or more than there is room for, goes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.options import Option
from topics.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.archive.told import Told
    from clients.options import Parsed
    from sinks.archive.catalog import Entry
    from sinks.archive.store import Store

WHAT = "what is old, or too much, goes"
SUMMARY = """\
Removes flows that are older than --keep says, then the oldest of those that take more room than --most says. A filter
after either limits it to the flows it selects: files that hold others too are written anew without them, which takes
Parquet or Avro. Ages count from the end of the span of a file. Each option may be given several times."""
OPTIONS = (
    Option("--keep", "TIME...", "keep flows for 400d, those that a filter selects: --keep 30d 'udp port 53'"),
    Option("--most", "SIZE...", "keep at most 500G of flows, or of those that a filter selects"),
)
SECOND = 1_000_000_000
READ = (".parquet", ".avro")
MOST_YEARS = 100 * 366 * 86_400


class Rule(NamedTuple):
    """Flows that `filter` selects (all, when empty) go after `seconds`, or beyond `size` bytes."""

    filter: str
    seconds: int | None
    size: int | None


class Wish(NamedTuple):
    """What the command line asks for."""

    rules: list[Rule]
    only_say: bool
    quiet: bool


def wish(parsed: Parsed) -> Wish:
    """Return what is asked for; raises UsageError, FilterError."""
    from sinks.files.settings import in_bytes, in_seconds

    rules = [_rule(group, "--keep", in_seconds) for group in parsed.groups.get("--keep", [])]
    rules += [_rule(group, "--most", in_bytes) for group in parsed.groups.get("--most", [])]
    if not rules:
        raise UsageError("say what to keep: --keep 400d, --most 500G, perhaps with a filter after it")
    return Wish(rules, bool(parsed.count("-n")), bool(parsed.count("-q")))


def _rule(group: list[str], option: str, amount: Any) -> Rule:  # noqa: ANN401 - a function of the settings
    from topics import filter as filters

    limit, *condition = group
    try:
        value = amount(limit)
    except ValueError as error:
        raise SettingsError(f"option {option} {error}") from None
    if option == "--keep" and value > MOST_YEARS:
        raise UsageError(f"option {option}: {limit} is longer than a hundred years")
    text = " ".join(condition)
    filters.parse(text)
    return Rule(text, value, None) if option == "--keep" else Rule(text, None, value)


def work(store: Store, asked: Wish, now: int) -> int:
    """Apply every rule in turn at the time `now` (ns)."""
    from clients.archive.told import Told
    from sinks.archive import catalog

    listed = catalog.files(store)
    with Told(len(listed) * len(asked.rules), quiet=asked.quiet) as told:
        entries = [catalog.entry(store, each) for each in listed]
        told.foreign(sum(1 for each in entries if not each.facts))
        entries = sorted((each for each in entries if each.facts), key=lambda each: (each.span[1], each.key))
        for rule in asked.rules:
            entries = _apply(store, rule, entries, now, asked, told)
    told.end("retain", "nothing to remove")
    return 0


def _apply(store: Store, rule: Rule, entries: list[Entry], now: int, asked: Wish, told: Told) -> list[Entry]:
    """Return the files that are left, oldest first."""
    left = []
    for entry in _too_much(store, rule, entries, told) if rule.seconds is None else _too_old(rule, entries, now):
        found = _without(store, entry, rule, asked, told) if entry.due else entry.of
        left += [] if found is None else [found]
        told.next_file()
    return left


class _Due(NamedTuple):
    of: Entry
    due: bool


def _too_old(rule: Rule, entries: list[Entry], now: int) -> Iterator[_Due]:
    before = now - (rule.seconds or 0) * SECOND
    return (_Due(entry, entry.span[1] <= before) for entry in entries)


def _too_much(store: Store, rule: Rule, entries: list[Entry], told: Told) -> list[_Due]:
    """Tell which files, beginning with the newest, are beyond the size; records count with the bytes of their file."""
    total, found = 0.0, []
    for entry in reversed(entries):
        total += entry.size * (_share(store, entry, rule, told) if rule.filter else 1.0)
        found.append(_Due(entry, total > (rule.size or 0)))
    return found[::-1]


def _share(store: Store, entry: Entry, rule: Rule, told: Told) -> float:
    """Return which part of the records of a file a rule is about."""
    if not entry.key.endswith(READ):
        return 0.0
    selected = sum(frame.height for frame in _selected(store, entry, rule.filter, told))
    return selected / max(1, int(entry.facts["records"]))


def _selected(store: Store, entry: Entry, text: str, told: Told) -> Iterator[pl.DataFrame]:
    """Yield those records of a file that a filter selects."""
    from clients.reading.selection import filter_expression
    from clients.reading.sources import to_frame
    from sinks.formats import open_reader

    wanted = filter_expression(text)
    with store.local(entry.key) as path:
        for batch in open_reader(str(path)):
            told.read(len(batch))
            frame = to_frame(batch)
            yield frame if wanted is None else frame.filter(wanted)


def _without(store: Store, due: _Due, rule: Rule, asked: Wish, told: Told) -> Entry | None:
    """Remove what a rule is about from a file; return what is left, None for nothing."""
    from sinks.archive import replacing

    entry = due.of
    if replacing.is_busy(store, entry.key):
        told.waits(entry.key)
        return entry
    if not rule.filter:
        told.say(f"{entry.key}: {entry.facts['records']:,} records {'would go' if asked.only_say else 'removed'}")
        if not asked.only_say:
            replacing.remove(store, entry, {})
        return None
    if not entry.key.endswith(READ):
        told.wrong(f"{entry.key}: stays, a filter cannot be applied to files of text")
        return entry
    return _rewritten(store, entry, rule, asked, told)


def _rewritten(store: Store, entry: Entry, rule: Rule, asked: Wish, told: Told) -> Entry | None:
    from sinks.archive import replacing

    going = sum(frame.height for frame in _selected(store, entry, rule.filter, told))
    kept = int(entry.facts["records"]) - going
    if not going:
        return entry
    told.say(f"{entry.key}: {going:,} of {going + kept:,} records {'would go' if asked.only_say else 'removed'}")
    if asked.only_say:
        return entry
    merged = {} if entry.is_daily else {entry.key: entry.facts}
    if not kept:
        replacing.remove(store, entry, merged)
        return None
    return _written_anew(store, entry, rule, merged, told)


def _written_anew(store: Store, entry: Entry, rule: Rule, merged: dict[str, dict[str, Any]], told: Told) -> Entry:
    from clients.reading.sources import to_batch
    from sinks.archive import replacing
    from sinks.archive.catalog import Entry
    from sinks.archive.spans import merged_facts
    from sinks.files.contents import Contents
    from sinks.formats.parquet import ParquetWriter, layout_of

    new = _free(store, entry.key)
    staged = store.stage(new)
    facts = entry.facts
    contents = Contents(*entry.span, str(facts.get("pattern", "")), tuple(facts.get("values", ())))
    with ParquetWriter(str(staged), layout_of([facts])) as writer:
        for frame in _selected(store, entry, f"not ({rule.filter})", told):
            if frame.height:
                batch = to_batch(frame)
                writer.write(batch)
                contents.add(batch)
        said = contents.as_json() | merged_facts([facts])
        writer.describe(said)
    size = staged.stat().st_size
    replacing.replace(store, staged, new, [entry.key], merged)
    return Entry(new, size, said)


def _free(store: Store, key: str) -> str:
    """Return a name beside a file that is not taken: NAME.kept.parquet, NAME.kept.1.parquet, ..."""
    path, taken = PurePosixPath(key), {each.key for each in store.list()}
    stem = path.name.removesuffix(path.suffix).partition(".kept")[0]
    number = 0
    while (new := path.with_name(f"{stem}.kept{f'.{number}' if number else ''}.parquet").as_posix()) in taken:
        number += 1
    return new
