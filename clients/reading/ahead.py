"""Reading ahead: what comes next is read by another thread while this one works on what there is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

Item = TypeVar("Item")


def ahead(items: Generator[Item]) -> Iterator[Item]:
    """Yield what a generator does, which runs in a thread of its own, one item ahead; raises what it raises.

    It has ended, or is closed, when this one is.
    """
    with ThreadPoolExecutor(1, "reading ahead") as reader:
        try:
            coming = reader.submit(_next, items)
            while found := coming.result():
                coming = reader.submit(_next, items)
                yield found[0]
        finally:
            reader.submit(items.close)


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    for item in items:
        return (item,)
    return None
