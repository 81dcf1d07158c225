"""What was worked out and may be asked for again: the latest of it, within a bound of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

LOCKS = 64


class Kept:
    """Results by what was asked, up to `most` bytes; what was not asked for the longest goes first.

    Those who ask for the same at once wait for the first of them; what makes a result asks for no other here.
    """

    def __init__(self, most: int) -> None:
        self._most, self.bytes = most, 0
        self._results: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._making = [threading.Lock() for _ in range(LOCKS)]

    def get(self, key: Hashable) -> Any:  # noqa: ANN401 - whatever was kept
        """Return a result, None when there is none."""
        with self._lock:
            if key not in self._results:
                return None
            self._results.move_to_end(key)
            return self._results[key][0]

    def put(self, key: Hashable, result: Any, size: int) -> None:  # noqa: ANN401 - whatever is to be kept
        """Keep a result of so many bytes, unless that is much of what there is room for."""
        if size * 4 > self._most:
            return
        with self._lock:
            self._forget(key)
            self._results[key] = (result, size)
            self.bytes += size
            while self.bytes > self._most:
                self._forget(next(iter(self._results)))

    def made(self, key: Hashable, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:  # noqa: ANN401 - as above
        """Return a result, made when there is none."""
        found = self.get(key)
        if found is None:
            with self._making[hash(key) % LOCKS]:
                found = self.get(key)
                if found is None:
                    found = make()
                    self.put(key, found, size(found))
        return found

    def _forget(self, key: Hashable) -> None:
        if key in self._results:
            self.bytes -= self._results.pop(key)[1]
