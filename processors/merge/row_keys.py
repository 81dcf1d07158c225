"""Names for the rows of merged records: the same key gives the same name, in every run and on every host."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from processors.merge.by_fields import aggregation
from processors.merge.key_fields import ALL, KNOWN, LABEL_BITS, NONE, parse_keys
from topics.batch import concatenate
from topics.errors import UsageError
from topics.fields import field
from topics.frame import to_arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics.batch import FlowBatch, Records

IPV4, IPV6, ARP, RARP = 0x0800, 0x86DD, 0x0806, 0x8035
ESP = 50
NO_PROTOCOL = 1 << 16


class MergedRows:
    """Merges records as `racluster -m` with these keys does, and names the row that each is kept in.

    Raises UsageError for an unknown key, and for `none`, by which nothing merges.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        if NONE in self._keys or not self._keys:
            raise UsageError("rows are merged by a key: name fields after -m")
        aggregation(self._keys)
        self._own = [key for key in self._keys if key.partition("/")[0] in KNOWN] or [ALL]
        self._columns = parse_keys(self._own).columns
        self._values = [field(key).value().alias(key) for key in self._keys if key.partition("/")[0] not in KNOWN]

    def merged(self, batch: FlowBatch) -> FlowBatch:
        """Return one record a key."""
        merging = aggregation(self._keys, capacity=1 << 10)
        merging.add(batch)
        return merging.finish()

    def row_keys(self, merged: FlowBatch) -> list[str]:
        """Return the name of each record's row, 32 hexadecimal digits."""
        records = merged.records
        octets = [_octets(_compared(records, name)) for name in self._columns]
        joined = np.hstack([np.zeros((len(records), 1), np.uint8), *octets])
        texts = self._texts(merged)
        return [
            blake2b(row.tobytes() + text.encode(), digest_size=16).hexdigest()
            for row, text in zip(joined, texts, strict=True)
        ]

    def joined(self, merged: FlowBatch) -> tuple[FlowBatch, list[str]]:
        """Merge merged records once more, those of one row into one; return them and the names of their rows.

        Rows are told by name: what was merged over IPv4 and IPv6 has lost the ethertype that a key is read with.
        """
        rows: dict[str, list[int]] = {}
        for number, name in enumerate(self.row_keys(merged)):
            rows.setdefault(name, []).append(number)
        alone = merged.select(np.array([places[0] for places in rows.values() if len(places) == 1], np.int64))
        several = {name: places for name, places in rows.items() if len(places) > 1}
        parts = [_as_one(merged.select(np.array(places, np.int64))) for places in several.values()]
        return concatenate([alone, *parts]), [name for name in rows if name not in several] + list(several)

    def _texts(self, merged: FlowBatch) -> list[str]:
        if not self._values:
            return [""] * len(merged)
        frame = pl.DataFrame(to_arrow(merged))
        values = [value.cast(pl.String).fill_null("\0") for value in self._values]
        return frame.select(pl.concat_str(values, separator="\x1f").alias("text"))["text"].to_list()


def _as_one(batch: FlowBatch) -> FlowBatch:
    merging = aggregation([ALL], capacity=2)
    merging.add(batch)
    return merging.finish()


def _compared(records: Records, name: str) -> Any:  # noqa: ANN401 - one value a record, of any width
    """Return what the key compares (see selection.py), by what is left in a merged record."""
    ethertype, protocol = records["ethertype"], records["protocol"]
    if name == "kind":
        return np.select([ethertype == each for each in (IPV4, IPV6, ARP, RARP)], [1, 2, 3, 4], 5).astype(np.uint8)
    if name == "protocol":
        return np.where(protocol > 0, protocol.astype(np.uint32), NO_PROTOCOL | ethertype.astype(np.uint32))
    if name == "spi":
        return np.where(protocol == ESP, records["discriminator"], 0).astype(np.uint32)
    if name.endswith("_mpls"):
        return records[name] & LABEL_BITS
    return records[name]


def _octets(values: Any) -> Any:  # noqa: ANN401 - any array, as rows of octets
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
