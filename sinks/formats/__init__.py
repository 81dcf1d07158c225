"""Flow records in files: which format a name asks for, and how records get in and out of it.

`-` and `.arrow` are Arrow IPC streams, `.parquet` is Parquet, `.avro` an Avro object container file, `.argus` records
of Argus, `.log` (as in conn.log) connections of Zeek and `.json` (as in eve.json) flows of Suricata, both as lines of
JSON; `.csv` and `.jsonl` are text for people, which is written and never read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinks.formats.names import Format, format_of, readable_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.formats.writer import Writer
    from topics.batch import FlowBatch


def open_writer(path: str) -> Writer:
    """Return the writer that the suffix of `path` asks for; `-` is standard output.

    Raises UsageError for an unknown suffix or a terminal, OutputError where the file cannot be made.
    """
    match format_of(path):
        case Format.ARROW:
            from sinks.formats.arrow import ArrowWriter

            return ArrowWriter(path)
        case Format.PARQUET:
            from sinks.formats.parquet import ParquetWriter

            return ParquetWriter(path)
        case Format.AVRO:
            from sinks.formats.avro import AvroWriter

            return AvroWriter(path)
        case Format.ARGUS:
            from sinks.formats.argus import ArgusWriter

            return ArgusWriter(path)
        case Format.CSV:
            from sinks.formats.text import CsvWriter

            return CsvWriter(path)
        case Format.JSONL:
            from sinks.formats.text import JsonLinesWriter

            return JsonLinesWriter(path)
        case Format.ZEEK:
            from sinks.formats.zeek import ZeekWriter

            return ZeekWriter(path)
        case Format.EVE:
            from sinks.formats.eve import EveWriter

            return EveWriter(path)


def open_reader(path: str) -> Iterator[FlowBatch]:
    """Return an iterator over the batches of a file, of standard input for `-`.

    Raises InputError naming the file for one that is missing, empty, something else or damaged (what precedes the
    damage is given first), UsageError for a suffix that is not read.
    """
    match readable_format(path):
        case Format.ARROW:
            from sinks.formats.arrow import read_arrow

            return read_arrow(path)
        case Format.PARQUET:
            from sinks.formats.parquet import read_parquet

            return read_parquet(path)
        case Format.ARGUS:
            from sinks.formats.argus import read_argus

            return read_argus(path)
        case Format.ZEEK:
            from sinks.formats.zeek import read_zeek

            return read_zeek(path)
        case Format.EVE:
            from sinks.formats.eve import read_eve

            return read_eve(path)
        case _:
            from sinks.formats.avro import read_avro

            return read_avro(path)
