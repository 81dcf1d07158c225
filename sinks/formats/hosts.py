"""Which hosts a part of a file may hold: a Bloom filter over the addresses of each row group, kept in the footer."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METADATA_KEY = "argosy.hosts"
BITS_EACH = 10  # with PROBES bits set for each address one question in a hundred is answered yes without need
PROBES = 7
ADDRESS = 16
LEAST_BITS = 64
MOST_BITS = 1 << 26
WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class HostIndex:
    """The hosts of some consecutive rows: no address that is there is denied, and few that are not are affirmed."""

    rows: int
    bits: bytes

    def may_hold(self, address: bytes) -> bool:
        """Tell whether an address, 16 bytes as records hold it, may be the source or destination of a row."""
        hashed = _hash(int.from_bytes(address[:8], "little"), int.from_bytes(address[8:], "little"))
        places = [_place(hashed, probe, 8 * len(self.bits)) for probe in range(PROBES)]
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in places)


def index_of(sources: NDArray[np.uint8], destinations: NDArray[np.uint8]) -> HostIndex:
    """Return the index of rows with these addresses, each of shape (rows, 16)."""
    import numpy as np  # readers of a few records do without

    halves = np.concatenate([sources, destinations]).view("<u8")
    hashes = np.unique(_hash(halves[:, 0], halves[:, 1]))
    size = min(MOST_BITS, max(LEAST_BITS, BITS_EACH * len(hashes) + 7 & ~7))
    bits = np.zeros(size, np.bool_)
    for probe in range(PROBES):
        bits[_place(hashes, probe, size)] = True
    return HostIndex(len(sources), np.packbits(bits, bitorder="little").tobytes())


def encoded(indexes: list[HostIndex]) -> str:
    """Return indexes as text for the footer of a file, behind its checksum: footers have none of their own."""
    text = json.dumps([[index.rows, base64.b64encode(index.bits).decode()] for index in indexes])
    return f"{_checksum(text)} {text}"


def decoded(text: str, rows: int) -> list[HostIndex] | None:
    """Return the indexes of a file of so many rows; None when they are damaged, or not those of all of its rows."""
    checksum, _, content = text.partition(" ")
    if checksum != _checksum(content):
        return None
    try:
        indexes = [_index(*each) for each in json.loads(content)]
    except (TypeError, ValueError):
        return None
    return indexes if sum(index.rows for index in indexes) == rows else None


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _index(rows: Any, text: Any) -> HostIndex:  # noqa: ANN401 - whatever JSON held
    bits = base64.b64decode(text, validate=True)
    if not isinstance(rows, int) or rows < 0 or not bits:
        raise ValueError
    return HostIndex(rows, bits)


def _hash(high: Any, low: Any) -> Any:  # noqa: ANN401 - a word, or an array of them
    return _mixed(high ^ _mixed(low))


def _place(hashed: Any, probe: int, size: int) -> Any:  # noqa: ANN401 - a word, or an array of them
    """Return which of `size` bits stands for a hash, by double hashing."""
    return (hashed + probe * (_mixed(hashed) | 1) & WORD) % size


def _mixed(words: Any) -> Any:  # noqa: ANN401 - a word, or an array of them
    """Return words through the finalizer of splitmix64, whose every bit depends on each of theirs."""
    words = (words ^ (words >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    words = (words ^ (words >> 27)) * 0x94D049BB133111EB & WORD
    return words ^ (words >> 31)
