"""What `make run` leaves, for tests that run commands on it as a reader of the documentation does."""

import contextlib
import io
import sys
from pathlib import Path

from clients.main import main
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

ROOT = Path(__file__).parents[1]
PROBE = "edge"


def make_run(place: Path) -> None:
    """Put the sample capture and its audit below `build`, and an `argosy` to start into `bin`."""
    capture, data = place / "build" / "sample.pcap", place / "build" / "sample-data"
    capture.parent.mkdir()
    write_pcap(capture, sample_frames(1))
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["run", "-r", str(capture), "-e", PROBE, "--data", str(data)]) == 0
    program = place / "bin" / "argosy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m clients.main "$@"\n')
    program.chmod(0o755)
