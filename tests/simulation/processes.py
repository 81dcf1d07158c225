"""A worker and a sink as processes: what they take of the machine, and how far they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import duckdb
from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
STOP_SECONDS = 60.0
UNREAD = re.compile(r"^argosy_worker_lag\w*\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Usage:
    """Resident memory in MB, CPU seconds so far."""

    megabytes: float
    cpu: float


@dataclass
class Started:
    """One `argosy` command that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def usage(self) -> Usage:
        """Return what it takes now; raises RuntimeError when it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.returncode}: {self.log.read_text()[-500:]}")
        return usage_of(self.process.pid)


def usage_of(pid: int) -> Usage:
    """Return what a process takes now."""
    place = Path("/proc", str(pid))
    pages = int((place / "statm").read_text().split()[1])
    spent = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
    return Usage(pages * PAGE / 1e6, sum(map(int, spent)) / TICKS)


@contextmanager
def started(log: Path, *arguments: str) -> Iterator[Started]:
    """Run a command until the end of the block, then ask it to end."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "clients.main", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield Started(process, log)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def unread(port: int) -> int:
    """Return the messages that a worker says it has not read, by its metrics; 0 while it says nothing."""
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return int(sum(map(float, UNREAD.findall(answer.read().decode()))))
    return 0


class Lag:
    """How many messages of a topic a group has not acknowledged, those of flows that still go on among them."""

    def __init__(self, bootstrap: str, topic: str, group: str, partitions: int) -> None:
        self._reader = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._places = [TopicPartition(topic, number) for number in range(partitions)]

    def ends(self) -> list[int]:
        """Return where the partitions end."""
        return [self._reader.get_watermark_offsets(place, timeout=30)[1] for place in self._places]

    def now(self) -> int:
        """Return the number of messages behind; everything counts as behind while nobody coordinates the group."""
        try:
            done = [max(0, place.offset) for place in self._reader.committed(self._places, timeout=30)]
        except KafkaException:
            done = [0] * len(self._places)
        return sum(self.ends()) - sum(done)


def kept(database: Path) -> tuple[int, int]:
    """Return flows and packets in a database of `argosy sink sql`."""
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = "src_packets + dst_packets + src_duplicate_packets + dst_duplicate_packets"
        found = connection.execute(f"select count(*), coalesce(sum({counts}), 0) from flows").fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
