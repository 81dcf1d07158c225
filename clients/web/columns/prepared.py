"""The columns that pages ask for, of a piece of a file of flows, as they lie in memory: mapped from a file of our own.

Text is codes: a number for each distinct value of the file, 0 for none. The archive is never written to.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from clients.web.columns.packed import LABELS, OFTEN, Packed
from processors.summaries.packed_kernel import LANES
from processors.summaries.warm import fixed
from topics.expression import col
from topics.fields import Field
from topics.fields.formats import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clients.web.columns.archive import Piece

Column = np.ndarray[Any, Any]

LAYOUT = 9  # changes with what is kept here
NONE = ""
WITH_PORTS = ("tcp", "udp", "sctp", "dccp")
COUNTERS = ("src_packets", "dst_packets", "src_bytes", "dst_bytes")
RAW = (
    *("protocol", "ethertype", "src_port", "dst_port", "records"),
    *("flow_flags", "src_encapsulations", "dst_encapsulations"),
)
# Fields that share their values, so that either end of a flow counts.
DOMAINS = {
    "address": ("saddr", "daddr"),
    "country": ("sco", "dco"),
    "as": ("sas", "das"),
    "name": ("sname", "dname"),
    "locality": ("sloc", "dloc"),
    "proto": ("proto",),
    "service": ("service",),
    "state": ("state",),
    "srcid": ("srcid",),
}
DOMAIN_OF = {name: domain for domain, names in DOMAINS.items() for name in names}
PORTS = {"sport": "src_port", "dport": "dst_port"}
ORDERS = {"saddr": "rows_by_saddr", "daddr": "rows_by_daddr"}
METADATA = b"argosy"
IDENTITY = "flow_id"
PACKED = "packed"  # packed.py
VAIN = "vain"  # 1 for flows that were tried in vain (in_vain.py)
TOLD, TOLD_OF = "told", {"src_told": "s", "dst_told": "d"}  # what labels say of an end (making.py)
SERVICE = Field("service", "Service", 12, lambda: col("dst_port"), TEXT, "Protocol and port of the destination")
HOST = Field("addr", "Host", 18, lambda: col("src_address"), TEXT, "Address of either end")
SMALL = np.iinfo(np.uint32).max


@dataclass(frozen=True)
class Prepared:
    """Columns of `rows` flows from `first` to `last` (ns); `words[domain][code]` is the text of a code, in order.

    `start` and `last_seen` are int64 ns; counters uint32, or int64 in a piece with larger ones; `latency` float32 s.
    ORDERS hold all rows by the code of an end. Some rows of a piece have `places`, which rows of `whole` they are.
    """

    name: str
    key: str
    offset: int  # of the first row in the Parquet file
    rows: int
    first: int
    last: int
    columns: Mapping[str, Column]
    constants: dict[str, int]
    words: dict[str, list[str]]
    flow_ids: pa.Array  # 16 bytes each
    made: dict[str, Column] = field(default_factory=dict)
    whole: Prepared | None = None
    places: Column | None = None
    is_piece: bool = True  # not the rows of several, joined (joined.py)
    packed: Packed | None = None

    def column(self, name: str) -> Column:
        """Return a column, of one value when it is the same in all rows."""
        if name in self.columns:
            return self.columns[name]
        return fixed(np.array([self.constants[name]], np.uint32))

    def frame(self, names: Iterable[str]) -> pl.DataFrame:
        """Return columns that are as records have them, for a filter."""
        wanted = list(names)
        frame = pl.DataFrame({name: self.columns[name] for name in wanted if name in self.columns})
        rest = [
            pl.lit(self.constants[name], dtype=_kind(name)).alias(name) for name in wanted if name in self.constants
        ]
        if not frame.width:
            return pl.select(pl.repeat(0, self.rows).alias("row")).with_columns(rest)
        return frame.with_columns(rest)

    def chosen(self, rows: Column) -> Prepared:
        """Return some rows of it (ascending); their columns are made when they are asked for."""
        whole = self.whole or self
        places = fixed((rows if self.places is None else self.places[rows]).astype(np.uint32, copy=False))
        return replace(self, rows=len(places), columns=_Taken(whole, places), whole=whole, places=places)

    def taken(self, column: Column) -> Column:
        """Return of a column of the whole piece what belongs to these rows."""
        return column if self.places is None else column[self.places]

    def original(self, row: int) -> tuple[Prepared, int]:
        """Return the whole piece, and which of its rows a row is."""
        return (self, row) if self.whole is None or self.places is None else (self.whole, int(self.places[row]))


class _Taken(Mapping[str, Column]):
    """Some rows of a piece; columns are taken when they are first asked for, those that are packed all at once."""

    def __init__(self, whole: Prepared, places: Column) -> None:
        self._columns, self._packed, self._places = whole.columns, whole.packed, places
        self._taken: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        """Return the rows of a column."""
        if name not in self._taken:
            self._take(name)
        return self._taken[name]

    def _take(self, name: str) -> None:
        packed = self._packed
        if packed is not None and packed.has(name):
            self._taken |= packed.taken(self._places)
        elif packed is not None and packed.says(name):
            if LABELS not in self._taken:
                self._taken |= packed.taken(self._places)
            self._taken[name] = packed.said(name, self._taken[LABELS])
        else:
            self._taken[name] = fixed(self._columns[name][self._places])

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a column."""
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the columns."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._columns)


def _kind(name: str) -> pl.DataType:
    from sinks.formats.scan import SCHEMA

    return SCHEMA[name]


def key_of(path: str) -> str:
    """Return what a file as it is now is known by: its place, size and time."""
    found = Path(path).stat()
    text = f"{LAYOUT} {Path(path).resolve()} {found.st_size} {found.st_mtime_ns}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def prepared(piece: Piece, cache: Path) -> Prepared:
    """Return the columns of a piece, made and kept when they are not there; raises InputError naming the file."""
    kept = cache / f"{piece.key}.columns"
    if not kept.exists():
        _keep(piece, kept)
    else:
        with suppress(OSError):
            os.utime(kept)  # what is used stays (forgetting.py)
    try:
        return _mapped(piece, kept)
    except (pa.ArrowException, OSError, ValueError, KeyError):  # cut off, or of somebody else: made anew
        _keep(piece, kept)
        return _mapped(piece, kept)


def _keep(piece: Piece, kept: Path) -> None:
    from clients.web.columns.making import columns_of
    from sinks.formats.scan import reading, scan

    with reading([piece.path]):
        table, facts = columns_of(scan([piece.path]).slice(piece.offset, piece.rows))
    aside = kept.with_name(f"{kept.name}.{os.getpid()}.{threading.get_ident()}")
    with pa.OSFile(str(aside), "wb") as file:
        schema = table.schema.with_metadata({METADATA: json.dumps(facts, separators=(",", ":")).encode()})
        with pa.ipc.new_file(file, schema) as writer:
            writer.write_table(table.replace_schema_metadata(schema.metadata).combine_chunks())
    aside.replace(kept)


def _mapped(piece: Piece, kept: Path) -> Prepared:
    with pa.memory_map(str(kept)) as file:
        table = pa.ipc.open_file(file).read_all()
    facts = json.loads(table.schema.metadata[METADATA])
    columns = {name: _array(table.column(name)) for name in table.column_names if name not in {IDENTITY, PACKED}}
    ids = table.column(IDENTITY).chunk(0) if facts["rows"] else pa.array([], pa.binary(16))
    return Prepared(
        piece.path,
        piece.key,
        piece.offset,
        facts["rows"],
        facts["first"],
        facts["last"],
        columns,
        facts["constants"],
        facts["words"],
        ids,
        packed=_packed(table, columns, facts),
    )


def _packed(table: pa.Table, columns: dict[str, Column], facts: dict[str, Any]) -> Packed | None:
    if PACKED not in table.column_names or not facts["rows"]:
        return None
    rows = np.frombuffer(table.column(PACKED).chunk(0).buffers()[1], np.uint32).reshape(-1, LANES)
    often = facts["labels"] * OFTEN <= facts["rows"]
    said = {name: columns[name] for name in facts["of_labels"] if name in columns} if often else {}
    return Packed(rows, said, facts["labels"])


def _array(column: pa.ChunkedArray) -> Column:
    if column.num_chunks == 0:
        return np.zeros(0, column.type.to_pandas_dtype())
    whole: Column = column.chunk(0).to_numpy(zero_copy_only=True)  # it was written in one piece
    return whole


def read(file: Prepared, wanted: pl.Expr) -> pl.Series:
    """Return something about all rows of a piece, out of the Parquet file; raises InputError naming it."""
    from sinks.formats.scan import reading, scan

    rows = (file.whole or file).rows
    with reading([file.name]):
        found = scan([file.name]).slice(file.offset, rows).select(wanted.alias("wanted")).collect()["wanted"]
    return found if len(found) == rows else found.new_from_index(0, rows)
