"""The tests of the codec once more, with every array access of the kernels checked."""

from pathlib import Path

import pytest

from tests.checked_kernels import run_checked

TESTS = [str(Path(__file__).with_name(name)) for name in ("test_codec.py", "test_codec_damage.py")]


@pytest.mark.timeout(300)
def test_no_kernel_reads_or_writes_outside_its_arrays() -> None:
    done = run_checked("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS)
    assert done.returncode == 0, done.stdout[-3000:]
