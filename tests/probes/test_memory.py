"""Large tables lie in huge pages, small ones where a cache line begins; both begin zeroed."""

import numpy as np
import pytest

from probes.memory import CACHE_LINE, HUGE_PAGE, zeroed


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
