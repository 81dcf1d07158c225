"""Python processes whose kernels check every index: a byte read outside its array is an IndexError there.

Their machine code is kept between runs beside the ordinary one, by the state of the sources and the settings of Numba
as always, so that only the first test that needs a kernel pays for compiling it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment() -> dict[str, str]:
    """The environment of such a process."""
    return os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1"}  # optimizing more would take longer than it saves


def run_checked(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with checked kernels from the top of the repository; does not raise for its exit status."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
