"""The merge rule of every field of FlowRecord as tables of places, read from the schema; kernels loop over them.

A place is the index of a field in a view of the record as integers of one width: words (8 bytes), ints (4), shorts (2)
or octets (1). The rules are those of racluster (ArgusMergeRecords), told for the fields this project has:

==================  ================================================================================================
first               of the record that came first
last                of the record that came last
sum                 added; a counter that overflows wraps
min, max            smallest, largest
min_set, first_set  the same among the values that are not 0
min_counted:COUNT   smallest among the records whose COUNT of the same side is not 0
or                  all bits seen
same                kept while all records agree, else 0
same_side           the same among the records with packets of that side
last_side           of the last record with packets of that side; windows: see WINDOWS
prefix              the bits that all addresses share, their number in the field with rule prefix_length
append              bytes one after the other, up to a bound
counts              vectors of counts (topics/histograms.py) added place by place; a count stays at its largest
union               labels: all values of each key
==================  ================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from topics.flags import TcpOptions, TcpState
from topics.record import FLOW_DTYPE
from topics.schema import Field, flow_fields, swapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from topics.batch import Records

Places = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

WORDS, INTS, SHORTS, OCTETS = 8, 4, 2, 1
SCALES = {f"{side}_window": f"{side}_window_shift" for side in ("src", "dst")}
"""Windows and their scales: the last window that is not 0, which records have that were told none.

One that has no scale is scaled by that of the other record, whichever comes first: only a SYN tells it.
"""
RECORD_WORDS = FLOW_DTYPE.itemsize // WORDS
ADDRESS, MAC = "S16", "S6"
INTEGERS = ("i8", "u4", "u2", "u1")


class LaneRules(NamedTuple):
    """Places of the integer fields of one width, by rule; those of sided rules by side."""

    either: Places
    largest: Places
    smallest: Places
    smallest_set: Places
    first_set: Places
    same: Places
    last: Places
    same_src: Places
    same_dst: Places
    last_src: Places
    last_dst: Places


def column(name: str) -> tuple[np.dtype[Any], int]:
    """Return the type and offset of a field, or of a heap column, of the record in memory."""
    fields: Any = FLOW_DTYPE.fields
    kind, offset = fields[name][:2]
    return kind, offset


def place(name: str, width: int = OCTETS) -> int:
    """Return the index of a field, or of a heap column, in a view of the record as integers of `width` bytes."""
    offset = column(name)[1]
    if offset % width:
        raise ValueError(f"{name}: not aligned to {width} bytes")
    return offset // width


def _constant(rows: Iterable[int]) -> Places:
    """Return rows as a tuple, over which LLVM unrolls loops; Numba cannot loop over an empty one, but over no array."""
    return tuple(rows) or np.zeros(0, np.int64)  # type: ignore[return-value]


def _fields(rule: str, *stores: str) -> list[Field]:
    return [field for field in flow_fields() if field.merge.partition(":")[0] == rule and field.store in stores]


def _lanes(rule: str, width: int, side: str = "") -> Places:
    stores = [store for store in INTEGERS if int(store[1:]) == width]
    fields = [field for field in _fields(rule, *stores) if field.name not in SCALES]
    return _constant(place(field.name, width) for field in fields if field.name.startswith(side))


def lane_rules(width: int) -> LaneRules:
    """Return the places of the integer fields of `width` bytes by rule."""
    whole = (_lanes(rule, width) for rule in ("or", "max", "min", "min_set", "first_set", "same", "last"))
    sided = (_lanes(rule, width, side) for rule in ("same_side", "last_side") for side in ("src_", "dst_"))
    return LaneRules(*whole, *sided)


def _ranges(store: str) -> Pairs:
    """Places of the sums of one type as ranges [start, stop): neighbours are added in one vectorized loop."""
    ranges: list[list[int]] = []
    for word in sorted(place(field.name, WORDS) for field in _fields("sum", store)):
        if ranges and ranges[-1][1] == word:
            ranges[-1][1] += 1
        else:
            ranges.append([word, word + 1])
    return tuple((start, stop) for start, stop in ranges)


def _counted() -> Pairs:
    rows = []
    for field in _fields("min_counted", "i8"):
        side, count = field.name[:4], field.merge.partition(":")[2]
        rows.append((place(field.name, WORDS), place(side + count, WORDS)))
    return tuple(rows)


def _columns(field: Field) -> tuple[str, int]:
    """Return where a field begins in memory and the bytes it takes there."""
    return (f"{field.name}_offset", 2 * INTS) if field.store == "heap" else (field.name, int(field.store[1:]))


def _exchanges(*, wide: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return pairs of places that change places when a record is reversed: words for wide fields, octets for others."""
    rows = []
    for field in flow_fields():
        other = swapped(field.name)
        name, size = _columns(field)
        if field.name > other or (size >= WORDS and field.store != "heap") != wide:
            continue
        width = WORDS if wide else OCTETS
        first, second = place(name, width), place(swapped(name), width)
        rows += [(first + step, second + step) for step in range(size // width) if first != second]
    return np.array(rows, np.int64)


def _side_bits(flags: type[TcpState | TcpOptions]) -> int:
    """Bits of the source in a bit set; those of the destination are one place to the left."""
    bits = 0
    for flag in flags:
        name = str(flag.name)
        if name.startswith("SRC_"):
            if flags["DST_" + name[4:]] != flag << 1:
                raise ValueError(f"{name}: the bit of the destination does not follow")
            bits |= flag
    return bits


INTEGER_SUMS, FLOAT_SUMS = _ranges("i8"), _ranges("f8")
COUNTED = _counted()
WORD_RULES, INT_RULES, SHORT_RULES, OCTET_RULES = (lane_rules(width) for width in (WORDS, INTS, SHORTS, OCTETS))
ADDRESSES_FIRST_SET = tuple(place(field.name, WORDS) for field in _fields("first_set", ADDRESS))
PREFIXES = tuple(
    (place(f.name, WORDS), place(f.name.replace("address", "prefix_length"))) for f in _fields("prefix", ADDRESS)
)
MACS = tuple((place(f.name), place(f.name[:4] + "packets", WORDS)) for f in _fields("same_side", MAC))

WORD_EXCHANGES, OCTET_EXCHANGES = _exchanges(wide=True), _exchanges(wide=False)
STATE_SIDE_BITS, OPTIONS_SIDE_BITS = _side_bits(TcpState), _side_bits(TcpOptions)

WINDOWS = tuple((place(window, INTS), place(scale)) for window, scale in SCALES.items())
LARGEST_SCALE = 14  # RFC 7323, 2.3

HEAP_RULES = {field.name: field.merge for field in flow_fields() if field.store == "heap"}


def record_words(records: Records) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return records as int64 rows, shape (n, RECORD_WORDS); a view wherever their memory allows it."""
    whole = np.require(records, requirements=["C", "A", "W"])
    return whole.view(np.int64).reshape(-1, RECORD_WORDS)
