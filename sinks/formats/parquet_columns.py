"""How each column lies in a Parquet file: its encoding, and what compresses it; measured in docs/decisions.md."""

from __future__ import annotations

import pyarrow as pa

from topics.frame import ARROW_SCHEMA, FIELDS

# Nearly every record has a value of its own here: a dictionary would only be built to be thrown away.
DISTINCT = ("_base_sequence", "_last_sequence", "_last_ack", "flow_id")
SPREAD = ("_ip_id", "src_port")  # likewise, but small numbers: their differences take fewer bits
DIFFERENCES = "DELTA_BINARY_PACKED"
# Places in a dictionary that zstd makes so much shorter than lz4 that it is worth reading them for longer.
WORTH_ZSTD = ("_address", "_mac", "discriminator", "_bytes", "_size_min", "_size_max", "interval_count", "tcp_state")


def _encodings() -> dict[str, str]:
    """Return the encodings that are no dictionary, all of them old enough for Spark and Hive to read."""
    return {column.name: encoding for column in ARROW_SCHEMA if (encoding := _encoding(column))}


def _encoding(column: pa.Field) -> str:
    """Return how a column is encoded, empty for a dictionary."""
    name = column.name
    if pa.types.is_timestamp(column.type) or name.endswith(SPREAD):
        return DIFFERENCES
    if name.endswith((*DISTINCT, "interval_square_sum")):  # most of the latter are 0
        return "PLAIN"
    if pa.types.is_float64(column.type):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_int64(column.type) and ("interval_" in name or "duration_" in name or name.endswith("_time")):
        return "" if name.endswith("_count") else "PLAIN"
    return ""


def _compression(name: str) -> str:
    """Return what compresses a column: nothing where that gains nothing, zstd where it gains much, else lz4."""
    encoding = ENCODINGS.get(name)
    if encoding == DIFFERENCES:
        return "none"
    if encoding is None:
        of_any_length = name in FIELDS and FIELDS[name].store == "heap"
        return "zstd" if of_any_length or name.endswith(WORTH_ZSTD) else "lz4"
    return "lz4" if name.endswith((*DISTINCT, "interval_square_sum")) else "zstd"  # ids may be stripped


ENCODINGS = _encodings()
DICTIONARIES = [name for name in ARROW_SCHEMA.names if name not in ENCODINGS]
COMPRESSIONS = {name: _compression(name) for name in ARROW_SCHEMA.names}
