"""What is remembered by key, in bounded memory, with what has changed since it was last saved."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Key = tuple[str | int, ...]
Value = TypeVar("Value")


class Keyed(Generic[Value]):
    """A dictionary whose oldest entries make room, counted in `evicted`; `put` makes an entry the newest.

    Values are what JSON can hold. `changes` are the entries put or removed since it was asked last. With `removed`
    somebody is told of each entry that made room.
    """

    def __init__(self, most: int, removed: Callable[[Key, Value], None] | None = None) -> None:
        self._most, self._removed = most, removed
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._changed: set[Key] = set()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Return what is known of a key."""
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember a value."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        self._changed.add(key)
        if len(self._entries) > self._most:
            self.evicted += 1
            self.pop_oldest()

    def pop(self, key: Key) -> Value | None:
        """Forget a key; return what was known of it."""
        self._changed.add(key)
        return self._entries.pop(key, None)

    def pop_oldest(self) -> None:
        """Forget the key that was put longest ago."""
        key, value = self._entries.popitem(last=False)
        self._changed.add(key)
        if self._removed is not None:
            self._removed(key, value)

    def oldest(self) -> tuple[Key, Value] | None:
        """Return what was put longest ago."""
        key = next(iter(self._entries), None)
        return None if key is None else (key, self._entries[key])

    def items(self) -> Iterator[tuple[Key, Value]]:
        """Return all entries, the oldest first."""
        return iter(list(self._entries.items()))

    def changes(self, *, whole: bool) -> list[Any]:
        """Return what has changed, or everything, as pairs in the order of putting; a key alone is gone."""
        changed, self._changed = self._changed, set()
        if whole:
            return [[key, value] for key, value in self._entries.items()]
        gone = [[key] for key in changed if key not in self._entries]
        if len(changed) * 4 > len(self._entries):
            return gone + [[key, value] for key, value in self._entries.items() if key in changed]
        # The newest come last: what was put last is at the end, so that order is found from there.
        found: list[Any] = []
        left = len(changed) - len(gone)
        for key in reversed(self._entries):
            if not left:
                break
            if key in changed:
                found.append([key, self._entries[key]])
                left -= 1
        return gone + found[::-1]

    def restore(self, changes: list[Any]) -> None:
        """Take what `changes` of another one returned."""
        for key, *value in changes:
            if value:
                self._entries[tuple(key)] = value[0]
                self._entries.move_to_end(tuple(key))
            else:
                self._entries.pop(tuple(key), None)
