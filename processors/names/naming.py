"""All that the control plane tells: transactions and names out of one batch of payloads, and the names as of a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.dns import DnsTransactions
from processors.names.from_dns import DnsNames
from processors.names.stations import StationNames
from processors.names.table import NameTable

if TYPE_CHECKING:
    from topics.control import ControlBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName


class Naming:
    """Takes payloads in order; `table` holds the names so far, unless nobody asks it (`with_table`)."""

    def __init__(
        self, transactions: DnsTransactions | None = None, names: DnsNames | None = None, *, with_table: bool = True
    ) -> None:
        self.table, self._with_table = NameTable(), with_table
        self.transactions = transactions or DnsTransactions()
        self._names, self._stations = names or DnsNames(), StationNames()

    def process(self, batch: ControlBatch) -> tuple[DnsBatch, list[AddressName]]:
        """Return the transactions that payloads end, and the names that they and the payloads tell."""
        found = self.transactions.process(batch)
        names = [*self._stations.process(batch), *self._learned(found)]
        return found, names

    def recall(self, name: AddressName) -> None:
        """Know a name again that was told before, as after a restart."""
        if name.event != "released":
            self._names.recall(name)
            self._stations.recall(name)

    def flush(self) -> list[tuple[DnsBatch, list[AddressName]]]:
        """Return what still waits; nothing follows."""
        return [(batch, self._learned(batch)) for batch in self.transactions.flush()]

    def _learned(self, batch: DnsBatch) -> list[AddressName]:
        names = self._names.process(batch)
        for name in names if self._with_table else ():
            self.table.add(name)
        return names
