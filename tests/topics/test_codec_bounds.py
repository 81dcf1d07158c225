"""The tests of the codec once more, with every array access of the kernels checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = [str(Path(__file__).with_name(name)) for name in ("test_codec.py", "test_codec_damage.py")]


@pytest.mark.timeout(300)
def test_no_kernel_reads_or_writes_outside_its_arrays(tmp_path: Path) -> None:
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(command, env=os.environ | checked, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
