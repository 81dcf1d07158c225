"""Names as of a time: which one had led a client to an address, and all that was said of an address or a MAC."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from topics.names import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from topics.names import AddressName

MOST = 1_000_000
MOST_SPANS = 64
ASKED = "dns"

Span = tuple[int, int, str]


class NameTable:
    """The names that clients asked for, by client and address.

    `most` pairs are kept, those neither renewed nor looked up for longest are forgotten first (`evicted`), and the last
    MOST_SPANS names of each. Answers depend on the order of `add` only where names begin at the same time.
    """

    def __init__(self, most: int = MOST) -> None:
        self.evicted = 0
        self._most = most
        self._names: OrderedDict[bytes, list[Span]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: AddressName) -> None:
        """Learn a name, or that it holds for longer or has ended."""
        if name.source != ASKED or name.client == EVERYBODY:
            return
        key = name.client + name.address
        spans = self._names.get(key, [])
        is_later_word = name.last != name.first and not any(each[2] == name.name for each in spans)
        more = [(name.first, name.until, name.name)] if is_later_word else []  # a compacted topic leaves the last word
        more.append((name.last, name.until, name.name))
        self._names[key] = sorted([*spans, *more])[-MOST_SPANS:]  # at once: another thread may be looking names up
        self._names.move_to_end(key)
        if len(self._names) > self._most:
            self._names.popitem(last=False)
            self.evicted += 1

    @property
    def spans(self) -> Mapping[bytes, Sequence[Span]]:
        """Names by client and address (32 bytes): asked for when, good until when (ns), the last one asked for last."""
        return self._names
