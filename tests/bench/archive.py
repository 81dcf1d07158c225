"""What flows take in files, and how fast a day of them is compacted and asked for one host."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clients.archive import compact
from clients.main import main
from processors.merge import Aggregation
from sinks.archive.local import LocalStore
from sinks.files import Cutting, FileSink
from tests.bench.records import status_batches
from topics.batch import start_times

if TYPE_CHECKING:
    from topics.batch import FlowBatch

DAY = 86_400 * 1_000_000_000
TIME = compact.Wish(0, None, [], [], 1 << 20, only_say=False, quiet=True)
SERVICE = TIME._replace(sort=["proto", "dport", "saddr", "daddr"])
LAYOUTS = {
    "by time": TIME,
    "by service": SERVICE,
    "lean, by time": TIME._replace(layout="lean"),
    "lean, by service": SERVICE._replace(layout="lean"),
    "stripped": SERVICE._replace(strip=compact.parts(["usual", "net", "id"])),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes a flow as the sink keeps it, by layout of the daily file; records per second of both."""

    sink: float
    daily: dict[str, float]
    kept: float
    compacted: float
    host: float


def measure(capture: Path) -> Sizes:
    """Keep the flows of a capture in files of a minute, compact them; all in a temporary directory."""
    flows = _flows(capture)
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as place:
        kept, began = Path(place, "kept"), time.process_time()
        sink = FileSink(kept, cutting=Cutting(60))
        sink.write(flows)
        sink.close()
        rate = len(flows) / (time.process_time() - began)
        daily, seconds = {}, 0.0
        for name, wish in LAYOUTS.items():
            copy, began = shutil.copytree(kept, Path(place, name)), time.process_time()
            store = LocalStore(str(copy))
            compact.work(store, wish, int(start_times(flows.records).max()) + 2 * DAY)
            store.close()
            seconds = seconds or time.process_time() - began
            daily[name] = _size(copy) / len(flows)
        began = time.perf_counter()
        main(["ra", "-q", "-R", str(Path(place, "by time")), "-", "host 10.0.0.7"])
        host = time.perf_counter() - began
        return Sizes(_size(kept) / len(flows), daily, rate, len(flows) / seconds, host)


def _flows(capture: Path) -> FlowBatch:
    merge = Aggregation([])
    for batch in status_batches(capture):
        if len(batch):
            merge.add(batch)
    return merge.finish()


def argus_bytes(capture: Path) -> float | None:
    """Return the bytes a flow that Argus's own merged records take, None where it is not installed."""
    if not all(map(shutil.which, ("argus", "racluster"))):
        return None
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as place:
        status, merged = Path(place, "status"), Path(place, "merged")
        subprocess.run(["argus", "-X", "-S", "1", "-r", str(capture), "-w", str(status)], check=True)
        subprocess.run(["racluster", "-X", "-r", str(status), "-w", str(merged)], check=True)
        counted = subprocess.run(
            ["ra", "-X", "-r", str(merged), "-s", "trans", "-L", "-1"], check=True, capture_output=True
        )
        return merged.stat().st_size / max(1, counted.stdout.count(b"\n"))


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*.parquet"))
