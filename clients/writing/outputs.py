"""Where records go: files of `-w`, each perhaps with a filter of its own, and those that were not selected (`-E`)."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from clients.ending import undone_by_sigterm
from clients.reading.source_names import DASH
from clients.reading.sources import as_frame, to_frame
from topics.errors import UsageError

if TYPE_CHECKING:
    from types import TracebackType

    import polars as pl
    import pyarrow as pa

    from clients.options import Parsed
    from sinks.formats.writer import Columns, Writer
    from topics.batch import FlowBatch


class _Output(NamedTuple):
    writer: Writer
    wanted: pl.Expr | None


class Outputs:
    """Writers, closed together when everything went well and aborted together otherwise; raises OutputError."""

    def __init__(self, parsed: Parsed | None) -> None:
        self._wishes = [] if parsed is None else destinations(parsed.words("-w"))
        self._rejects = None if parsed is None else parsed.word("-E")
        self._stack = ExitStack()
        self._outputs: list[_Output] = []
        self._rejected: Writer | None = None

    @classmethod
    def to(cls, name: str) -> Self:
        """Return an output of one file."""
        outputs = cls(None)
        outputs._wishes = [(name, "")]
        return outputs

    @property
    def any(self) -> bool:
        """Whether records are written at all, rather than printed."""
        return bool(self._wishes)

    @property
    def pipes(self) -> bool:
        """Whether standard output carries records."""
        return DASH in (name for name, _ in self._wishes)

    @property
    def wants_rejects(self) -> bool:
        """Whether records that were not selected are kept."""
        return self._rejects is not None

    def __enter__(self) -> Self:
        from clients.reading.selection import filter_expression
        from sinks.formats import open_writer

        with ExitStack() as stack:
            if self.any or self.wants_rejects:
                stack.enter_context(undone_by_sigterm())
            for name, text in self._wishes:
                wanted = filter_expression(text)
                self._outputs.append(_Output(stack.enter_context(open_writer(name)), wanted))
            if self._rejects is not None:
                self._rejected = stack.enter_context(open_writer(self._rejects))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, batch: FlowBatch) -> None:
        """Write records to every file whose own filter lets them through."""
        for output in self._outputs:
            if output.wanted is None:
                output.writer.write(batch)
            else:
                output.writer.write_frame(to_frame(batch).filter(output.wanted))

    def write_frame(self, frame: pl.DataFrame) -> None:
        """Write the records of a frame, as `write` does."""
        for output in self._outputs:
            output.writer.write_frame(frame if output.wanted is None else frame.filter(output.wanted))

    def write_columns(self, data: pa.RecordBatch) -> None:
        """Write records that are columns of topics/frame.py already, as `write` does."""
        for output in self._outputs:
            if output.wanted is None:
                output.writer.write_columns(data)
            else:
                output.writer.write_frame(as_frame(data).filter(output.wanted))

    def column_by_column(self) -> Columns | None:
        """Return what takes all records a column at a time; None where that is not one file for all of them."""
        if len(self._outputs) != 1 or self._outputs[0].wanted is not None:
            return None
        return self._outputs[0].writer.column_by_column()

    def reject(self, frame: pl.DataFrame) -> None:
        """Keep records that were not selected."""
        if self._rejected is not None and frame.height:
            self._rejected.write_frame(frame)


def destinations(words: list[str]) -> list[tuple[str, str]]:
    """Return each file of `-w` with the filter after it, empty for none; raises UsageError."""
    found: list[tuple[str, str]] = []
    for word in words:
        named = not found or word == DASH or _is_name(word)
        if named:
            found.append((word, ""))
        elif found[-1][1]:
            raise UsageError(f"option -w: '{found[-1][0]}' has a filter already, '{word}' is one too many")
        else:
            found[-1] = (found[-1][0], word)
    return found


def _is_name(word: str) -> bool:
    """Tell the name of a file from a filter: that has words in a row, or is one the language knows."""
    from topics.filter.words import every_word

    return " " not in word and (bool(Path(word).suffix) or word.lower() not in every_word())
