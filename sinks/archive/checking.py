"""Whether a file is whole: readable, its checksums right, its records those that it says it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinks.files.contents import Contents
from sinks.files.facts import checksum, has_footer
from sinks.formats import open_reader
from sinks.formats.parquet import LEAN, check_footer
from topics.errors import ArgosyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNTED = ("records", "packets", "bytes", "first", "last", "identity")


def wrong(path: Path, facts: dict[str, Any], read: Callable[[int], None] = lambda _: None) -> str:
    """Return what is wrong with a file whose facts are known, in a few words, or nothing; `read` is told its records.

    A Parquet file is read with its checksums of pages and counted; of other formats the bytes have a checksum.
    """
    if "checksum" in facts:
        read(int(facts.get("records", 0)))
        size = path.stat().st_size
        if size != facts["size"]:
            return f"is {size} bytes long, not {facts['size']}"
        return "" if checksum(path) == facts["checksum"] else "its checksum is another one"
    if not has_footer(path):
        return "" if not facts else "says nothing of its checksum"
    contents = Contents(*facts["bin"]) if facts else Contents(0, 0)
    try:
        check_footer(str(path))
        for batch in open_reader(str(path)):
            read(len(batch))
            if len(batch):
                contents.add(batch)
    except ArgosyError as error:
        return str(error).removeprefix(f"{path}: ")
    found = contents.as_json()
    counted = [name for name in COUNTED if name != "identity" or facts.get("layout") != LEAN]  # it has no flow ids
    other = [name for name in counted if facts and found[name] != facts[name]]
    return f"holds {found[other[0]]} as {other[0]}, and says {facts[other[0]]}" if other else ""
