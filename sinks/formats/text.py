"""CSV and JSON lines, for people and for tools that know nothing better."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import polars as pl

from sinks.formats.readable import readable
from sinks.formats.writer import Writer
from topics.batch import FlowBatch
from topics.frame import to_arrow

if TYPE_CHECKING:
    from typing import BinaryIO


class _TextWriter(Writer):
    def _write(self, batch: FlowBatch) -> None:
        self._text(readable(pl.DataFrame(to_arrow(batch))), self._destination.stream)

    @abstractmethod
    def _text(self, frame: pl.DataFrame, stream: BinaryIO) -> None: ...

    def _finish(self) -> None:
        """Nothing waits to be written."""


class CsvWriter(_TextWriter):
    """Comma-separated values under one line of column names."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._header = True

    def _text(self, frame: pl.DataFrame, stream: BinaryIO) -> None:
        frame.write_csv(stream, include_header=self._header)
        self._header = False

    def _finish(self) -> None:
        if self._header:
            self._write(FlowBatch())


class JsonLinesWriter(_TextWriter):
    """One JSON object a line and record."""

    def _text(self, frame: pl.DataFrame, stream: BinaryIO) -> None:
        frame.write_ndjson(stream)
