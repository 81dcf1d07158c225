"""A full disk: databases are waited for, files are written again, and each flow is kept once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system: run as root")
def test_sinks_lose_and_double_nothing_on_a_full_disk(tmp_path: Path) -> None:
    command = ["unshare", "--mount", sys.executable, "-m", "tests.faults.full_disk", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout.split(), done.returncode) == (["sqlite", "duckdb", "files"], 0), done.stderr
