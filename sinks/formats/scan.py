"""The fast way in for `ra`: files as one Polars frame, without Numba, NumPy records or (for Parquet) pyarrow."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from sinks.formats import footer
from sinks.formats.names import DASH, Format, readable_format, reason
from topics.errors import InputError
from topics.lean import LEFT_OUT
from topics.schema import flow_fields, flow_record_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from topics.schema import Field

NOTHING = {"src_prefix_length": 128, "dst_prefix_length": 128, "records": 1}  # of numbers that are not 0 then
END_MARK = b"\xff\xff\xff\xff\x00\x00\x00\x00"
NUMBERS: dict[str, type[pl.DataType]] = {
    "u1": pl.UInt8,
    "u2": pl.UInt16,
    "u4": pl.UInt32,
    "i8": pl.Int64,
    "f8": pl.Float64,
}
SIZES = {field.name: field.size for field in flow_fields() if field.kind == "fixed"}
DEFAULTS = {spec["name"]: spec["default"] for spec in flow_record_json()["fields"] if "default" in spec}


def _polars_type(field: Field) -> pl.DataType:
    if field.unit.startswith("ns since"):
        return pl.Datetime("ns", "UTC")
    if field.kind == "enum":
        return pl.Categorical()
    if field.kind == "string":
        return pl.String()
    if field.store == "heap" or field.kind == "fixed":
        return pl.Binary()
    return NUMBERS[field.store]()


def _columns() -> Iterator[tuple[str, pl.DataType]]:
    for field in flow_fields():
        if field.name == "observer":
            yield from ((name, pl.Categorical()) for name in ("site", "probe", "interface"))
        else:
            yield field.name, _polars_type(field)


SCHEMA = pl.Schema(_columns())


def scan(paths: Iterable[str]) -> pl.LazyFrame:
    """Return the records of all files, in order, with the columns and types of SCHEMA; `-` is standard input.

    Parquet is read when the frame is collected, and only the columns that are asked for: do that inside `reading`.
    Raises InputError naming the file that is missing, empty, damaged or something else, UsageError for a suffix that
    is not read.
    """
    frames = [_scan_one(path) for path in paths]
    return pl.concat(frames) if frames else pl.LazyFrame(schema=SCHEMA)


@contextmanager
def reading(paths: Iterable[str]) -> Iterator[None]:
    """Turn what Polars raises while it collects a scan of these files into an InputError that names them."""
    names = list(paths)
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"{_damaged(names) or ', '.join(names)}: damaged: {reason(error)}") from error


def _damaged(paths: list[str]) -> str:
    """Return the file among several that cannot be read by itself."""
    if len(paths) == 1:
        return paths[0]
    for path in paths:
        try:
            if path != DASH:
                _scan_one(path).select(pl.all().hash().sum()).collect(engine="streaming")
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            return path
    return ""


def _scan_one(path: str) -> pl.LazyFrame:
    kind = readable_format(path)
    try:
        says_nothing: Collection[str] = ()
        if kind is Format.PARQUET:
            frame = pl.scan_parquet(path, glob=False)
            says_nothing = footer.decoded(pl.read_parquet_metadata(path).get(footer.METADATA_KEY))
        elif kind is Format.ARROW:
            frame = _stream(sys.stdin.buffer.read() if path == DASH else Path(path).read_bytes())
        else:
            frame = _decoded(path)
        return _checked(frame, says_nothing)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"{path}: no {kind} file of flow records, or a damaged one: {reason(error)}") from error


def _stream(data: bytes) -> pl.LazyFrame:
    if not data:
        raise InputError("no flow records: the stream is empty")
    if not data.endswith(END_MARK):
        raise InputError("ends before its end mark, its writer was cut off")
    return pl.read_ipc_stream(data).lazy()


def _decoded(path: str) -> pl.LazyFrame:
    from sinks.formats import open_reader
    from topics.frame import to_arrow

    frames = [pl.DataFrame(to_arrow(batch)) for batch in open_reader(path)]
    return pl.concat(frames).lazy() if frames else pl.LazyFrame(schema=SCHEMA)


def _absent(name: str, kind: pl.DataType, says_nothing: bool) -> pl.Expr:  # noqa: FBT001 - one of two ways
    """Return what a column holds that says nothing, or is missing: the default, or what the lean layout leaves out."""
    if name in DEFAULTS and not says_nothing:
        return pl.lit(DEFAULTS[name]).cast(kind)
    if name not in LEFT_OUT and not says_nothing:
        raise InputError(f"column '{name}' is missing")
    if name == "flow_start":
        return pl.min_horizontal("src_first", "dst_first")
    if kind.is_temporal():
        return pl.lit(None).cast(kind)
    if kind == pl.String:
        return pl.lit("")
    return pl.lit(bytes(SIZES.get(name, 0))) if kind == pl.Binary else pl.lit(NOTHING.get(name, 0)).cast(kind)


def _checked(frame: pl.LazyFrame, says_nothing: Collection[str] = ()) -> pl.LazyFrame:
    found = frame.collect_schema()
    columns = []
    for name, kind in SCHEMA.items():
        if name not in found or (name in says_nothing and found[name] == kind):
            columns.append(_absent(name, kind, name in says_nothing).alias(name))
        elif found[name] == kind:
            columns.append(pl.col(name))
        elif kind == pl.Categorical and found[name] == pl.String:
            columns.append(pl.col(name).cast(kind))
        else:
            raise InputError(f"column '{name}' is of type {found[name]}, not {kind}")
    return frame.with_columns(columns).select(SCHEMA.names())
