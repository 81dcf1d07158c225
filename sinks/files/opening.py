"""From settings to sinks: directories held once each, programs started, names that do not meet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sinks.files.directory import Held
from sinks.files.programs import Program
from sinks.files.sink import FileSink
from sinks.files.sinks import FileSinks
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinks.files.directory import Place
    from sinks.files.settings import Output


def open_outputs(outputs: Sequence[Output]) -> FileSinks:
    """Return a sink of all outputs.

    Raises SettingsError for two that would write the same files, OutputError for a directory that cannot be had,
    UsageError for a pattern or filter that does not do.
    """
    _check(outputs)
    with ExitStack() as stack:
        places: dict[str, Place] = {}
        sinks = []
        for each in outputs:
            name = each.directory.rstrip("/") if each.in_bucket else str(Path(each.directory).resolve())
            if name not in places:
                places[name] = _bucket(name) if each.in_bucket else Held(Path(name))
                stack.callback(places[name].close)
            sinks.append(_open(each, places[name]))
        stack.pop_all()
    return FileSinks(sinks, tuple(places.values()))


def _bucket(address: str) -> Place:
    from sinks.files.bucket import Bucket  # loads the library for object stores

    return Bucket(address)


def _open(output: Output, place: Place) -> FileSink:
    return FileSink(
        place.path if output.in_bucket else output.directory,
        pattern=output.pattern,
        cutting=output.cutting,
        grace=output.grace,
        wanted=output.filter,
        most_open=output.open_files,
        program=Program(output.program) if output.program else None,
        place=place,
        layout=output.layout,
    )


def _check(outputs: Sequence[Output]) -> None:
    seen: dict[str, int] = {}
    for number, each in enumerate(outputs):
        name = str(Path(each.directory, each.pattern).absolute()).removesuffix(".parquet")
        if name in seen:
            raise SettingsError(f"outputs {seen[name]} and {number} have the same names of files: {each.pattern}")
        seen[name] = number
