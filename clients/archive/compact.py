"""`argosy archive compact`: the small files of a day become one, sorted by time, perhaps merged as racluster does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.options import Option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from clients.options import Parsed
    from sinks.archive.catalog import Entry
    from sinks.archive.store import Store
    from topics.batch import FlowBatch

WHAT = "the small files of a day become one"
SUMMARY = """\
Puts the files of each day, of one output and one set of values in their names, into one, sorted by time. With -m their
records are merged too, as the nightly racluster does. Days that are not over, or not for long enough, wait; files that
came late are added by the next run."""
OPTIONS = (
    Option("--older", "TIME", "only days that ended so long ago (default 1h)"),
    Option("-m", "KEY...", "merge records by these fields, as racluster does: saddr daddr proto sport dport"),
    Option("--merge", "", "merge records by racluster's own key: one record a conversation and day"),
    Option("--sort", "FIELD...", "sort by these fields instead of the start time, as rasort: proto dport saddr daddr"),
    Option(
        "--strip",
        "PART...",
        "leave out parts of records, as rastrip calls them: jitter mac net ...; usual for those\n"
        "that it leaves out unless told otherwise, id for the flow id",
    ),
    Option(
        "--layout",
        "LAYOUT",
        "lean: without what an ordinary record of Argus has not either (docs/guides/archive.md), also of days\n"
        "that are one file already; whole: with all fields (default: lean where all files of the day are)",
    ),
    Option("--records", "COUNT", "records kept in memory at a time (1048576); the others wait in temporary files"),
)
SECOND, DAY = 1_000_000_000, 86_400
NO_ID = 16  # bytes
READ = (".parquet", ".avro")
DIRECTIVE = re.compile(r"%[-_^#]?[A-Za-z%]")
FIELD = re.compile(r"\$(?:\w+|\{\w+\})")


class Wish(NamedTuple):
    """What the command line asks for; `keys` is None when records are not merged."""

    older: int
    keys: list[str] | None
    sort: list[str]
    strip: list[str]
    at_once: int
    only_say: bool
    quiet: bool
    layout: str = ""


class Group(NamedTuple):
    """The files of one day (ns of its beginning), output and set of values."""

    day: int
    pattern: str
    values: tuple[str, ...]
    entries: list[Entry]


def wish(parsed: Parsed) -> Wish:
    """Return what is asked for; raises UsageError."""
    from clients.sink.shared import seconds
    from processors.merge.by_fields import aggregation
    from processors.sorting import sort_keys
    from sinks.formats.parquet import LAYOUTS
    from topics.errors import UsageError

    sort_keys(parsed.words("--sort"))
    layout = parsed.word("--layout") or ""
    if layout not in ("", *LAYOUTS):
        raise UsageError(f"option --layout: '{layout}' is neither {' nor '.join(LAYOUTS)}")
    keys = [part for word in parsed.words("-m") for part in word.split(",")]
    merged = bool(keys or parsed.count("--merge"))
    if merged:
        aggregation(keys)
    return Wish(
        int(seconds(parsed, "--older", "1h")),
        keys if merged else None,
        parsed.words("--sort"),
        parts(parsed.words("--strip")),
        parsed.number("--records", 1 << 20, minimum=1),
        bool(parsed.count("-n")),
        bool(parsed.count("-q")),
        layout,
    )


def work(store: Store, asked: Wish, now: int) -> int:
    """Compact what is old enough at the time `now` (ns)."""
    from clients.archive.told import Told
    from sinks.archive import catalog

    listed = [each for each in catalog.files(store) if each.key.endswith(READ)]
    with Told(len(listed), quiet=asked.quiet) as told:
        entries = [catalog.entry(store, each) for each in listed]
        due = [group for group in groups(entries, asked.layout) if group.day + (DAY + asked.older) * SECOND <= now]
        for group in due:
            _one(store, group, asked, told)
        told.foreign(sum(1 for each in entries if not each.facts))
    told.end("compact", "nothing to compact")
    return 0


def groups(entries: Iterable[Entry], layout: str = "") -> list[Group]:
    """Return which files belong together, where there is something to gain: several of a day, or one to become lean."""
    found: dict[tuple[int, str, tuple[str, ...]], list[Entry]] = {}
    for each in entries:
        if each.facts:
            start, end = each.span
            day = start // (DAY * SECOND) * DAY * SECOND
            if end <= day + DAY * SECOND:
                key = day, str(each.facts.get("pattern", "")), tuple(each.facts.get("values", ()))
                found.setdefault(key, []).append(each)
    several = sorted((key, entries) for key, entries in found.items() if len(entries) > 1 or _is_fat(entries, layout))
    return [Group(day, pattern, values, entries) for (day, pattern, values), entries in several]


def _is_fat(entries: list[Entry], layout: str) -> bool:
    return layout == "lean" and any(each.facts.get("layout") != "lean" for each in entries)


def _one(store: Store, group: Group, asked: Wish, told: Any) -> None:  # noqa: ANN401 - Told, imported late
    from sinks.archive import replacing

    new = daily_key(group, {each.key for each in store.list()})
    what = f"{len(group.entries)} files of {group.entries[0].facts['records']} and more records become {new}"
    if asked.only_say:
        told.say(what)
        return
    if replacing.is_busy(store, new):
        told.waits(new)
        return
    staged = store.stage(new)
    records = _write(store, group, asked, staged, told)
    merged = {each.key: each.facts for each in group.entries if not each.is_daily}
    size = staged.stat().st_size
    gone = replacing.replace(store, staged, new, [each.key for each in group.entries], merged)
    told.replaced(new, len(group.entries), sum(each.size for each in group.entries), records, size, gone=gone)


def daily_key(group: Group, taken: set[str]) -> str:
    """Return the key of the new file: in the directory that all old ones are below, under a name of its own."""
    parents = [PurePosixPath(each.key).parent.parts for each in group.entries]
    shared = 0
    while all(len(parts) > shared and parts[shared] == parents[0][shared] for parts in parents):
        shared += 1
    directory = PurePosixPath(*parents[0][:shared])
    day = datetime.fromtimestamp(group.day // SECOND, UTC).strftime("%Y-%m-%d")
    stem = f"{_stem(group)}.{day}.daily"
    number = 0
    while (key := (directory / f"{stem}{f'.{number}' if number else ''}.parquet").as_posix()) in taken:
        number += 1
    return key


def _stem(group: Group) -> str:
    """Return what the last part of the pattern says besides times."""
    *before, last = group.pattern.split("/")
    values = iter(group.values[len(FIELD.findall("/".join(before))) :])
    text = DIRECTIVE.sub("", FIELD.sub(lambda _: next(values, ""), last))
    for suffix in (*READ, ".jsonl", ".csv"):
        text = text.removesuffix(suffix)
    return re.sub(r"[._-]{2,}", ".", text).strip("._-") or "flows"


def _write(store: Store, group: Group, asked: Wish, staged: Path, told: Any) -> int:  # noqa: ANN401 - as above
    """Write the records of a group in order; return their number."""
    from sinks.archive.spans import merged_facts
    from sinks.files.contents import Contents
    from sinks.formats.parquet import ParquetWriter, layout_of

    facts = [each.facts for each in group.entries]
    contents = Contents(group.day, group.day + DAY * SECOND, group.pattern, group.values)
    with ParquetWriter(str(staged), asked.layout or layout_of(facts)) as writer:
        for batch in _in_order(store, group.entries, asked, told):
            writer.write(batch)
            contents.add(batch)
        writer.describe(contents.as_json() | merged_facts(facts))
    return contents.records


def _in_order(store: Store, entries: Sequence[Entry], asked: Wish, told: Any) -> Iterator[FlowBatch]:  # noqa: ANN401 - as above
    from clients.reading.sources import to_batch
    from processors.sorting import Sorter, sort_keys

    frames = _frames(store, entries, told)
    if asked.keys is not None:
        frames = _merged(frames, asked.keys)
    for frame in Sorter(sort_keys(asked.sort), asked.at_once).sorted(_stripped(frames, asked.strip)):
        if frame.height:
            yield to_batch(frame)


def parts(words: list[str]) -> list[str]:
    """Return the parts of records that words name; raises UsageError for one there is not."""
    from processors.stripping import PARTS, USUAL
    from topics.errors import UsageError
    from topics.nearest import suggestion

    unknown = next((word for word in words if word not in {*PARTS, "usual", "id"}), None)
    if unknown is not None:
        raise UsageError(f"option --strip: unknown part '{unknown}'{suggestion(unknown, PARTS)}")
    return [part for word in words for part in (USUAL if word == "usual" else (word,))]


def _stripped(frames: Iterator[pl.DataFrame], chosen: list[str]) -> Iterator[pl.DataFrame]:
    import polars as pl

    from processors.stripping import strip

    for frame in frames:
        left = strip(frame, [part for part in chosen if part != "id"])
        yield left.with_columns(pl.lit(bytes(NO_ID)).alias("flow_id")) if "id" in chosen else left


def _merged(frames: Iterator[pl.DataFrame], keys: list[str]) -> Iterator[pl.DataFrame]:
    from clients.reading.sources import to_batch, to_frame
    from processors.merge.by_fields import aggregation

    merge = aggregation(keys)
    for frame in frames:
        merge.add(to_batch(frame))
    yield to_frame(merge.finish())


def _frames(store: Store, entries: Sequence[Entry], told: Any) -> Iterator[pl.DataFrame]:  # noqa: ANN401 - as above
    from clients.reading.sources import to_frame
    from sinks.formats import open_reader

    for each in entries:
        with store.local(each.key) as path:
            for batch in open_reader(str(path)):
                told.read(len(batch))
                yield to_frame(batch)
        told.next_file()
