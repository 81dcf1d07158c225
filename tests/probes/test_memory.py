"""Large tables lie in huge pages, small ones where a cache line begins; both begin zeroed; what is freed is kept."""

import platform
import subprocess
import sys

import numpy as np
import pytest

from probes.memory import CACHE_LINE, HUGE_PAGE, zeroed

BATCHES = """
import resource
import numpy as np
from probes.memory import keep_freed
keep_freed()
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(size << 10, np.uint8) for size in (7000, 1000, 4000, 3900, 3800, 2000)]
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    del arrays
"""


@pytest.mark.parametrize("rows", [0, 1, HUGE_PAGE // 64 - 1, HUGE_PAGE // 64, HUGE_PAGE // 64 + 1, HUGE_PAGE // 16])
def test_an_array_is_zeroed_whole_and_can_be_written(rows: int) -> None:
    array = zeroed((rows, 8), np.int64)
    assert array.shape == (rows, 8)
    assert array.dtype == np.int64
    assert not array.any()
    array[:] = -1
    assert (array == -1).all()


@pytest.mark.parametrize("size", [1, 65, 4096, HUGE_PAGE - 1])
def test_a_small_array_begins_with_a_cache_line(size: int) -> None:
    assert zeroed(size, np.uint8).ctypes.data % CACHE_LINE == 0


def test_a_large_array_begins_with_a_huge_page() -> None:
    assert zeroed(HUGE_PAGE + 1, np.uint8).ctypes.data % HUGE_PAGE == 0


def test_arrays_do_not_share_memory() -> None:
    one, other = zeroed(HUGE_PAGE, np.uint8), zeroed(HUGE_PAGE, np.uint8)
    one[:] = 1
    assert not other.any()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no mallopt")
def test_memory_of_a_batch_is_not_zeroed_again_for_the_next() -> None:
    done = subprocess.run([sys.executable, "-c", BATCHES], capture_output=True, text=True, check=True)
    faults = [int(line) for line in done.stdout.split()]
    assert faults[0] > 1000
    assert max(faults[2:]) < 100
