"""Real Argus records of made-up traffic, read by ra and by us; what ra made of them is kept where it is absent."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from tests.argus_records import argus_tools, read_argus, run_argus, run_ra
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.frame import to_arrow

STORED = Path(__file__).parent / "argus"
EXPECTED = STORED / "expected.json"
DIGITS = 6


@dataclass(frozen=True)
class ArgusSample:
    """A file of Argus records, and the same records as a frame of ours."""

    path: Path
    frame: pl.DataFrame
    stored: dict[str, dict[str, str]] = field(default_factory=dict)

    def starts(self, frame: pl.DataFrame) -> list[int]:
        """Start times of records, us since 1970."""
        return frame.select(pl.min_horizontal("src_first", "dst_first").dt.timestamp("us")).to_series().to_list()

    def selected(self, kind: str, name: str, *arguments: str) -> list[int]:
        """Start times of the records that ra selects, or that it was seen to select where it is not installed."""
        if not shutil.which("ra"):
            return self._unpacked(self.stored[kind][name])
        printed = run_ra(self.path, "-u", "-L", "-1", "-s", "stime", *arguments)
        found = [int(line.replace(".", "")) for line in printed.split()]
        self.stored.setdefault(kind, {})[name] = self._packed(found)
        return found

    def _packed(self, starts: list[int]) -> str:
        """Return which of the records were selected, in order, as a number of a bit each."""
        mask, wanted = 0, iter(starts)
        following = next(wanted, None)
        for row, start in enumerate(self.starts(self.frame)):
            if start == following:
                mask |= 1 << row
                following = next(wanted, None)
        return f"{mask:x}" if following is None else "out of order"

    def _unpacked(self, mask: str) -> list[int]:
        return [start for row, start in enumerate(self.starts(self.frame)) if int(mask, 16) >> row & 1]


@pytest.fixture(scope="session")
def argus_sample(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ArgusSample]:
    """Ten minutes of an office through argus with all its options, as stored.

    `--store-argus` makes the file and what is expected of it anew.
    """
    renew, path = bool(request.config.getoption("--store-argus")), STORED / "sample.argus"
    if renew:
        argus_tools()
        STORED.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        capture = tmp_path_factory.mktemp("argus") / "sample.pcap"
        write_pcap(capture, sample_frames(1))
        run_argus(capture, path, "-AJRZm", "-U", "32", "-S", "5")
    frame = pl.from_arrow(to_arrow(read_argus(path)))
    assert isinstance(frame, pl.DataFrame)
    known = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() and not renew else {}
    sample = ArgusSample(path, frame, known)
    yield sample
    if renew:
        EXPECTED.write_text(json.dumps(sample.stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
