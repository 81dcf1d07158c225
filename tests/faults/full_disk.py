"""Sinks on a file system of their own that fills up: run within a mount namespace, told where to mount it.

Prints a line for each kind of sink that lost nothing and doubled nothing; ends with an error otherwise.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sinks.files import Cutting, FileSink
from sinks.formats import open_reader
from sinks.position import Position
from sinks.sql import SqlSink
from sinks.sql.reader import read_flows
from tests.random_batches import random_batch
from topics.errors import DiskFullError

if TYPE_CHECKING:
    from topics.batch import FlowBatch

SIZE = 24 << 20
BATCHES = [random_batch(seed, 200, now=1_700_000_000_000_000_000) for seed in range(4)]


def fill(place: Path) -> Path:
    """Leave no room."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        size = 1 << 20
        while size:
            try:
                stream.write(bytes(size))
            except OSError:
                size //= 2
    return ballast


def of_database(place: Path, ending: str) -> None:
    """A database waits for room, holding what came."""
    now = [0.0]
    sink = SqlSink(str(place / f"flows.{ending}"), linger=1.0, clock=lambda: now[0])
    sink.write(BATCHES[0], Position("p", 0))
    sink.flush()
    ballast = fill(place)
    for offset, batch in enumerate(BATCHES[1:], 1):
        sink.write(batch, Position("p", offset))
        now[0] += 10.0
        sink.advance(0)
        assert (sink.held > 0, sink.safe_offsets()) == (True, {"p": 1})
    ballast.unlink()
    now[0] += 10.0
    sink.advance(0)
    assert (sink.held, sink.safe_offsets()) == (0, {"p": 4})
    sink.close()
    assert sum(frame.height for frame in read_flows(str(place / f"flows.{ending}"))) == sum(map(len, BATCHES))


def of_files(place: Path) -> None:
    """A sink of files leaves nothing half, and goes on from the last safe offset when there is room."""
    sink = FileSink(place / "kept", cutting=Cutting(60))
    sink.write(BATCHES[0], Position("p", 0))
    sink.flush()
    safe, ballast = sink.safe_offsets()["p"], fill(place)
    with pytest.raises(DiskFullError, match=rf"^{place}/kept/.*No space left") as full:
        write_again(sink, safe)
    assert (sink.safe_offsets(), sink.held, full.value.directory) == ({}, 0, str(place / "kept"))
    assert not list(place.rglob("*.partial"))
    ballast.unlink()
    write_again(sink, safe)
    sink.close()
    kept = [key for path in place.rglob("*.parquet") for batch in open_reader(str(path)) for key in keys(batch)]
    assert sorted(kept) == sorted(key for batch in BATCHES for key in keys(batch))


def write_again(sink: FileSink, first: int) -> None:
    """Write what comes from an offset on."""
    for offset, batch in enumerate(BATCHES[first:], first):
        sink.write(batch, Position("p", offset))
    sink.flush()


def keys(batch: FlowBatch) -> list[bytes]:
    """Return what tells records apart."""
    return [row["flow_id"].tobytes() + row["status_sequence"].tobytes() for row in batch.records]


def main() -> None:
    """Try each kind."""
    place = Path(sys.argv[1])
    for kind in ("sqlite", "duckdb", "files"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], check=True)
        of_files(place) if kind == "files" else of_database(place, kind)
        print(kind, flush=True)


if __name__ == "__main__":
    main()
