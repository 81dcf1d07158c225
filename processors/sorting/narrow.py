"""The values of a column in as few bytes as hold them: the less memory, the sooner they are read in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from topics.native import Native, address_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Octets = NDArray[np.uint8]

NARROWER = (1, 2, 4)  # bytes of unsigned integers
WHOLE = (2, 4, 8)  # bytes of values that are held as such
WORD = 8
_gather = Native("processors.sorting.gather_kernel", "gather", 7)


class NarrowValues:
    """Takes values of one width, so many rows in all, and gives them in any order; its memory is used again."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._memory = np.zeros(0, np.uint8)
        self._width = self._held = self._filled = 0

    def begin(self, width: int) -> None:
        """Forget what was held: values of `width` bytes come."""
        self._width, self._filled = width, 0
        self._held = 1 if width in WHOLE else width
        self._make_room()

    def add(self, octets: Octets) -> None:
        """Hold more values."""
        count = len(octets) // self._width
        values: Any = octets
        if self._width in WHOLE:
            values = octets.view(f"u{self._width}")
            self._widen(int(values.max()) if count else 0)
        place, self._filled = self._filled, self._filled + count
        if self._width in WHOLE:
            self._values()[place : self._filled] = values
        else:
            self._memory[place * self._held : self._filled * self._held] = octets

    def taken(self, order: NDArray[np.uint32]) -> pa.Buffer:
        """Return the values in the places that `order` names, in as many bytes as they had."""
        out = pa.allocate_buffer(len(order) * self._width + WORD)
        _gather(
            self._held,
            self._width,
            address_of(self._memory),
            self._rows,
            address_of(order),
            len(order),
            out.address,
        )
        return out.slice(0, len(order) * self._width)

    def _values(self) -> Any:  # noqa: ANN401 - integers of some width
        return self._memory[: self._rows * self._held].view(f"u{self._held}")

    def _widen(self, most: int) -> None:
        """Hold values in more bytes where one does not fit."""
        wanted = next((width for width in NARROWER if width < self._width and most >> 8 * width == 0), self._width)
        if wanted > self._held:
            held = self._values()[: self._filled].copy()
            self._held = wanted
            self._make_room()
            self._values()[: self._filled] = held

    def _make_room(self) -> None:
        size = self._rows * self._held + WORD
        if len(self._memory) < size:
            self._memory = np.empty(size, np.uint8)
