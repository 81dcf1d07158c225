"""`-M replace`: every file is read, and what was made of its records takes its place once it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reading import inquiry
from clients.reading.source_names import DASH, SCHEME, paths
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.options import Parsed


def each_file(parsed: Parsed, work: Callable[[Parsed, Source, Outputs], int]) -> int:
    """Do the work with each file by itself, its output going where it came from; raises UsageError for a pipe."""
    if parsed.words("-w"):
        raise UsageError("-M replace writes to the files it reads: leave out -w")
    names = paths(parsed)
    for name in names:
        if name == DASH or name.startswith(SCHEME):
            raise UsageError(f"-M replace takes files, not '{name}'")
    results = [work(parsed, Source(parsed, [name]), Outputs.to(name)) for name in names]
    return 0 if 0 in results else inquiry.NO_MATCH
