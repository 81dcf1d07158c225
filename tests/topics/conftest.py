"""Real Argus records of made-up traffic, read by ra and by us."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tests.argus_records import argus_tools, read_argus, run_argus
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.frame import to_arrow


@dataclass(frozen=True)
class ArgusSample:
    """A file of Argus records, and the same records as a frame of ours."""

    path: Path
    frame: pl.DataFrame


@pytest.fixture(scope="session")
def argus_sample(tmp_path_factory: pytest.TempPathFactory) -> ArgusSample:
    """Ten minutes of an office through argus with all its options."""
    argus_tools()
    directory = tmp_path_factory.mktemp("argus")
    write_pcap(directory / "sample.pcap", sample_frames(1))
    records = directory / "sample.argus"
    run_argus(directory / "sample.pcap", records, "-AJRZm", "-U", "32", "-S", "5")
    frame = pl.from_arrow(to_arrow(read_argus(records)))
    assert isinstance(frame, pl.DataFrame)
    return ArgusSample(records, frame)
