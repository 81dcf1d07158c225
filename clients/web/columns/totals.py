"""What all flows of a piece add up to, kept beside its columns: by what pages ask for first, and minute by minute.

So the first page of a large archive needs none of its flows.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from clients.web.columns.prepared import DOMAIN_OF, DOMAINS
from processors.summaries.latency_kernel import CLASSES, spread
from processors.summaries.sums_kernel import FLOWS, LATENCIES, SUMS, add_up
from processors.summaries.time_kernel import add_up_in_time
from processors.summaries.warm import fixed

if TYPE_CHECKING:
    from pathlib import Path

    from clients.web.columns.prepared import Column, Prepared

    Numbers = np.ndarray[Any, Any]
    Counters = tuple[Column, Column, Column, Column, Column, Column, Column]

MINUTE = 60_000_000_000
KINDS = {"addr" if name == "address" else name: fields for name, fields in DOMAINS.items() if name != "srcid"}
MOST_MINUTES = 1 << 14  # a piece that lasts for longer is walked over
WORTH = 16  # flows that a sum of a minute has to stand for, so that all sums are small beside the columns
SHAPES = b"argosy"
ALL = fixed(np.zeros(0, np.bool_))


class Part(NamedTuple):
    """The values that occur, as codes, and what they add up to: shapes (codes, SUMS) and (codes, LATENCIES)."""

    codes: Numbers
    sums: Numbers
    latencies: Numbers


class Minutes(NamedTuple):
    """Sums by code and minute from `begin` (ns) on: shapes (codes, minutes, SUMS) and (codes, minutes, LATENCIES)."""

    begin: int
    sums: Numbers
    latencies: Numbers

    def bins(self, begin: int, step: int, bins: int) -> Numbers | None:
        """Return in which bin each minute lies, None where bins cut minutes."""
        if begin % MINUTE or step % MINUTE:
            return None
        starts = self.begin + MINUTE * np.arange(self.sums.shape[1])
        found: Numbers = np.clip((starts - begin) // step, 0, bins - 1)
        return found


class Totals(NamedTuple):
    """The sums of all flows of a piece; `latencies` counts round trips by minute and class (latency_kernel.py)."""

    parts: dict[str, Part]
    minutes: dict[str, Minutes]
    latencies: Numbers | None


def once(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns of both ends so that a flow counts once where both have the same value."""
    if len(columns) < 2:
        return columns
    first, second = columns
    same = first == second
    if not same.any():
        return columns
    return first, fixed(np.where(same, second.dtype.type(0), second))


def part_of(file: Prepared, columns: tuple[Column, ...], codes: int, mask: Column = ALL) -> Part:
    """Return what values add up to; a flow counts for each of its columns. Few flows are told apart first."""
    columns, known = once(columns), None
    if file.rows < codes:
        every = np.concatenate([np.broadcast_to(each, file.rows) for each in columns])
        known, flat = np.unique(every, return_inverse=True)
        columns = tuple(fixed(each.astype(np.uint32)) for each in flat.reshape(len(columns), -1))
        codes = len(known)
    sums, latencies = np.zeros((codes, SUMS), np.int64), np.zeros((codes, LATENCIES), np.float64)
    for column in columns:
        add_up(column, *counters(file, mask), sums, latencies)
    present = np.flatnonzero(sums[:, FLOWS])
    codes_present = present if known is None else known[present].astype(np.int64)
    return Part(codes_present, fixed(sums[present]), fixed(latencies[present]))


def counters(file: Prepared, mask: Column) -> Counters:
    """Return what the kernels add up, after the mask."""
    own = file.columns
    packets, sizes = (own["src_packets"], own["dst_packets"]), (own["src_bytes"], own["dst_bytes"])
    return mask, *packets, *sizes, own["lost"], own["latency"]


def totals(file: Prepared, cache: Path) -> Totals:
    """Return the sums of a piece, made and kept when they are not there."""
    kept = cache / f"{file.key}.sums"
    with suppress(OSError, ValueError, KeyError, pa.ArrowException):  # not there, cut off, of somebody else
        found = _loaded(kept)
        os.utime(kept)  # what is used stays (forgetting.py)
        return found
    made = _made(file)
    aside = kept.with_name(f"{kept.name}.{os.getpid()}.{threading.get_ident()}")
    arrays = _flat(made)
    shapes = json.dumps({name: [array.dtype.str, array.shape] for name, array in arrays.items()})
    table = pa.table({name: [np.ascontiguousarray(array).tobytes()] for name, array in arrays.items()})
    with (
        pa.OSFile(str(aside), "wb") as stream,
        pa.ipc.new_file(stream, table.schema.with_metadata({SHAPES: shapes})) as writer,
    ):
        writer.write_table(table.replace_schema_metadata({SHAPES: shapes}))
    aside.replace(kept)
    return _loaded(kept)


def _made(file: Prepared) -> Totals:
    parts, minutes = {}, {}
    begin = file.first // MINUTE * MINUTE
    many = (file.last - begin) // MINUTE + 1
    latencies = None
    if many * CLASSES * WORTH <= file.rows * SUMS and many <= MOST_MINUTES:
        latencies = np.zeros((many, CLASSES), np.int64)
        spread(file.columns["start"], begin, MINUTE, ALL, file.columns["latency"], latencies)
    for by, names in KINDS.items():
        columns, codes = tuple(file.column(name) for name in names), len(file.words[DOMAIN_OF[names[0]]])
        parts[by] = part_of(file, columns, codes)
        if codes * many * WORTH <= file.rows and many <= MOST_MINUTES:
            minutes[by] = _by_minute(file, columns, codes, begin, many)
    return Totals(parts, minutes, latencies)


def _by_minute(file: Prepared, columns: tuple[Column, ...], codes: int, begin: int, many: int) -> Minutes:
    found = Minutes(begin, np.zeros((codes, many, SUMS), np.int64), np.zeros((codes, many, LATENCIES), np.float64))
    for column in once(columns):
        add_up_in_time(
            column,
            np.arange(codes),
            file.columns["start"],
            file.columns["last_seen"],
            begin,
            MINUTE,
            *counters(file, ALL),
            found.sums,
            found.latencies,
        )
    return found


def _flat(made: Totals) -> dict[str, Numbers]:
    flat: dict[str, Numbers] = {} if made.latencies is None else {"latencies": made.latencies}
    for by, part in made.parts.items():
        flat |= {f"part.{by}.{place}": array for place, array in enumerate(part)}
    for by, each in made.minutes.items():
        flat |= {f"minute.{by}.{place}": np.asarray(array) for place, array in enumerate(each)}
    return flat


def _loaded(kept: Path) -> Totals:
    with pa.memory_map(str(kept)) as file:
        table = pa.ipc.open_file(file).read_all()
    arrays = {
        name: np.frombuffer(table.column(name)[0].as_buffer(), kind).reshape(shape)
        for name, (kind, shape) in json.loads(table.schema.metadata[SHAPES]).items()
    }
    parts = {by: Part(*(arrays[f"part.{by}.{place}"] for place in range(3))) for by in KINDS}
    minutes = {
        by: Minutes(int(arrays[f"minute.{by}.0"]), arrays[f"minute.{by}.1"], arrays[f"minute.{by}.2"])
        for by in KINDS
        if f"minute.{by}.0" in arrays
    }
    return Totals(parts, minutes, arrays.get("latencies"))
