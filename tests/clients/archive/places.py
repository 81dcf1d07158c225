"""Archives for tests: made by the sink itself, read as `argosy ra` reads them, and places that die at a chosen step."""

from pathlib import Path
from typing import Any

from clients.main import main
from clients.reading.source_names import record_files
from sinks.archive.local import LocalStore
from sinks.files import Cutting, FileSink
from sinks.formats import open_reader
from sinks.position import Position
from tests.random_batches import random_batch
from topics.batch import FlowBatch

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
START = 1_700_006_400 * SECOND  # midnight, 2023-11-15 UTC
NOW = START + 30 * DAY


def flows(seed: int, count: int, minute: float) -> FlowBatch:
    return random_batch(seed, count, now=START + int(minute * MINUTE))


MESSAGES = [flows(number, 6, number * 7 + 3) for number in range(10)]


def keep(directory: Path, first: int = 0, **settings: Any) -> list[Path]:
    """Let a sink keep MESSAGES from an offset on; return its files."""
    sink = FileSink(directory, **{"pattern": "%Y-%m-%d/flows.%H.%M.%S", "cutting": Cutting(300), **settings})
    for offset, batch in list(enumerate(MESSAGES))[first:]:
        sink.write(batch, Position("t/0", offset))
    sink.close()
    return sink.files


def keys(batch: FlowBatch) -> list[bytes]:
    return [row["flow_id"].tobytes() + row["status_sequence"].tobytes() for row in batch.records]


EXPECTED = sorted(key for batch in MESSAGES for key in keys(batch))


def seen(directory: Path | str) -> list[bytes]:
    """Keys of what `argosy ra -R` would read, sorted."""
    return sorted(key for path in record_files(str(directory)) for batch in open_reader(path) for key in keys(batch))


class Died(BaseException):
    """The process was killed."""


class DyingStore(LocalStore):
    """Dies before its so-manyth step."""

    def __init__(self, directory: Path, steps: int) -> None:
        super().__init__(str(directory))
        self.steps = steps

    def _step(self) -> None:
        if not self.steps:
            raise Died
        self.steps -= 1

    def put(self, key: str, data: bytes) -> None:
        self._step()
        super().put(key, data)

    def publish(self, staged: Path, key: str) -> None:
        self._step()
        super().publish(staged, key)

    def delete(self, key: str) -> None:
        self._step()
        super().delete(key)

    def stage(self, key: str) -> Path:
        self._step()
        return super().stage(key)

    def is_read(self, key: str) -> bool:
        return False  # the test that looks is in the same process


def argosy(*words: object) -> int:
    return main([str(word) for word in words])
