"""What is read ahead is what would have been read, and whatever reads it ends with the one who asks."""

import threading
from collections.abc import Generator

import pytest

from clients.reading.ahead import ahead


def counted(closed: list[str], most: int = 5, fails_at: int = -1) -> Generator[int]:
    try:
        for number in range(most):
            if number == fails_at:
                raise ValueError("damaged")
            yield number
    finally:
        closed.append(threading.current_thread().name)


def test_everything_comes_in_order_from_another_thread() -> None:
    closed: list[str] = []
    assert list(ahead(counted(closed))) == [0, 1, 2, 3, 4]
    assert closed != [threading.current_thread().name]
    assert list(ahead(counted(closed, most=0))) == []


def test_what_is_raised_comes_behind_what_was_read() -> None:
    items = ahead(counted([], fails_at=3))
    assert [next(items), next(items), next(items)] == [0, 1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(items)


def test_no_more_than_one_is_read_ahead() -> None:
    read, wanted = list[int](), threading.Semaphore(0)

    def waiting() -> Generator[int]:
        for number in range(4):
            read.append(number)
            wanted.release()
            yield number

    items = ahead(waiting())
    for number in range(3):
        assert next(items) == number
        for _ in range(2 if not number else 1):
            assert wanted.acquire(timeout=60)
        assert read == list(range(number + 2))


def test_one_who_stops_early_closes_what_is_read() -> None:
    closed: list[str] = []
    items = ahead(counted(closed, most=10**9))
    assert next(items) == 0
    del items
    assert len(closed) == 1
