"""A page of flows in an order, found by counting how many come before: any is as quick as the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clients.web.columns.prepared import DOMAIN_OF, PORTS, read
from clients.web.errors import ParameterError
from processors.summaries.order_kernel import count_below, count_between, limits, rows_between
from processors.summaries.warm import fixed
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows
    from clients.web.columns.prepared import Column, Prepared

BINS = 4096
FEW = 1 << 16  # values that are sorted
DEEP = 12  # times that an interval is looked into
PLAIN = {
    "stime": ("start",),
    "ltime": ("last_seen",),
    "spkts": ("src_packets",),
    "dpkts": ("dst_packets",),
    "sbytes": ("src_bytes",),
    "dbytes": ("dst_bytes",),
    "loss": ("lost",),
    "tcprtt": ("latency",),
    "sport": (PORTS["sport"],),
    "dport": (PORTS["dport"],),
    "pkts": ("src_packets", "dst_packets"),
    "bytes": ("src_bytes", "dst_bytes"),
}


class Place(NamedTuple):
    """A flow: its piece of a file, among those of the question, and its row there."""

    file: Prepared
    row: int

    @property
    def row_of_file(self) -> int:
        """The row in the Parquet file."""
        return self.file.offset + self.row


class Page(NamedTuple):
    """Some flows in order, of `total` that were selected."""

    places: list[Place]
    total: int


class _Ordered(NamedTuple):
    rows: Rows
    values: Column
    low: float
    high: float
    selected: int


def check_sort(word: str) -> tuple[str, bool]:
    """Return the field of `FIELD` or `-FIELD`, and whether the largest come first; raises ParameterError."""
    from processors.sorting.keys import sort_keys

    name = word.removeprefix("-").removeprefix("+")
    try:
        sort_keys([name])
    except UsageError as error:
        raise ParameterError(str(error)[:300], "sort", "field") from None
    if "/" in name or "," in name or " " in name:
        raise ParameterError("flows are sorted by one field", "sort", "field")
    return name, word.startswith("-")


def page(engine: Engine, question: Question, asked: Asked, sort: str, offset: int, limit: int) -> Page:
    """Return the flows from place `offset` on, in the order of a field; those of equal values as they were kept."""
    name, descending = check_sort(sort)

    def of_file(rows: Rows) -> _Ordered:
        values = values_of(engine, rows.file, name)
        found = np.array([np.inf, -np.inf, 0.0])
        limits(values, rows.mask, found)
        return _Ordered(rows, values, float(found[0]), float(found[1]), int(found[2]))

    files = [each for each in engine.each(question, asked, of_file) if each.selected]
    total = sum(each.selected for each in files)
    wanted = min(limit, max(total - offset, 0))
    if not wanted:
        return Page([], total)
    first = total - offset - wanted if descending else offset
    places = _ranked(files, asked, first, wanted)
    return Page(places[::-1] if descending else places, total)


def values_of(engine: Engine, file: Prepared, name: str) -> Column:
    """Return what flows of a file are sorted by, as numbers of eight bytes."""
    values = _values(engine, file, name)
    values = values.astype(np.float64 if values.dtype.kind == "f" else np.int64, copy=False)
    return fixed(values if len(values) == file.rows else np.repeat(values, file.rows))


def _values(engine: Engine, file: Prepared, name: str) -> Column:
    if name in PLAIN:
        first, *others = (file.column(own) for own in PLAIN[name])
        values: Column = first.astype(np.int64) + others[0] if others else first
        return values
    if name == "dur":
        duration: Column = file.columns["last_seen"] - file.columns["start"]
        return duration
    from topics.fields import field

    if name in DOMAIN_OF or field(name).format.holds == "text":
        coded = engine.columns.coded(file, name)
        ranks: Column = engine.columns.ranks(name)[coded.everywhere][coded.columns[0]]
        return ranks
    return _read(engine, file, name)


def _read(engine: Engine, file: Prepared, name: str) -> Column:
    import polars as pl

    from topics.fields import field

    def made() -> Column:
        return read(file, field(name).sort_key().cast(pl.Float64).fill_null(-1.0)).to_numpy()

    values: Column = engine.columns.kept.made(("values", file.key, name), made, lambda made: made.nbytes)
    return file.taken(values)


def _ranked(files: list[_Ordered], asked: Asked, first: int, wanted: int) -> list[Place]:
    """Return the places of ranks `first` to `first + wanted`, smallest values first."""
    low, high = min(each.low for each in files), max(each.high for each in files)
    below, inside = 0, sum(each.selected for each in files)
    for _ in range(DEEP):
        if inside <= FEW or low >= high:
            break
        asked.check()
        low, high = _narrowed(files, low, high, first - below, wanted)
        below = sum(count_below(each.values, each.rows.mask, low) for each in files)
        counts = np.array([np.inf, -np.inf, 0.0])
        inside = sum(_inside(each, low, high, counts) for each in files)
        low, high = float(counts[0]), float(counts[1])
    if low >= high:
        return _alike(files, low, first - below, wanted)
    return _sorted(files, low, high, first - below, wanted, inside)


def _narrowed(files: list[_Ordered], low: float, high: float, first: int, wanted: int) -> tuple[float, float]:
    counts = np.zeros(BINS, np.int64)
    for each in files:
        count_between(each.values, each.rows.mask, low, high, counts)
    ends = np.cumsum(counts)
    begin, stop = np.searchsorted(ends, [first, first + wanted - 1], side="right")
    width = (high - low) / BINS
    slack = width / 1024  # an edge may be rounded to either side
    return max(low, low + begin * width - slack), min(high, low + (stop + 1) * width + slack)


def _inside(each: _Ordered, low: float, high: float, found: Column) -> int:
    """Return how many values lie in an interval; lower `found[0]` to the least of them, raise `found[1]`."""
    values = each.values
    chosen = (values >= low) & (values <= high)
    if len(each.rows.mask):
        chosen &= each.rows.mask
    own = np.array([np.inf, -np.inf, 0.0])
    limits(values, fixed(chosen), own)
    found[0], found[1] = min(found[0], own[0]), max(found[1], own[1])
    return int(own[2])


def _alike(files: list[_Ordered], value: float, first: int, wanted: int) -> list[Place]:
    """Return places among flows of one value, which stay as they were kept."""
    places: list[Place] = []
    for each in files:
        room = np.zeros(wanted - len(places), np.int64)
        found = rows_between(each.values, each.rows.mask, value, value, max(first, 0), room)
        some = room[: max(found - max(first, 0), 0)].tolist()
        places += [Place(*each.rows.file.original(row)) for row in some]
        first -= found
        if len(places) == wanted:
            break
    return places


def _sorted(files: list[_Ordered], low: float, high: float, first: int, wanted: int, inside: int) -> list[Place]:
    parts: list[tuple[Any, Any, Any]] = []
    for place, each in enumerate(files):
        room = np.zeros(min(inside, each.selected), np.int64)
        rows = room[: rows_between(each.values, each.rows.mask, low, high, 0, room)]
        parts.append((each.values[rows].astype(np.float64), np.full(len(rows), place), rows))
    values, numbers, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((rows, numbers, values))[first : first + wanted]
    chosen = zip(numbers[order].tolist(), rows[order].tolist(), strict=True)
    return [Place(*files[number].rows.file.original(row)) for number, row in chosen]
