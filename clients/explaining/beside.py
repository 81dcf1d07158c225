"""What lies beside flows in an archive: names of addresses, DNS transactions, alerts, and the last words of probes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from clients.audit.statuses import STATUS_FILE
from sinks.alerts.kept import SUFFIX as ALERTS
from sinks.formats.findings import DNS_SUFFIX, NAMES_SUFFIX
from topics.address_text import ip_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from topics.alerts import Alert
    from topics.dns import DnsBatch
    from topics.names import AddressName
    from topics.probe_status import ProbeStatus

MOST_FILES = 10_000
SECOND = 1_000_000_000
ANSWERED = 2
TRANSACTION = {
    "time": pl.Int64,
    "client": pl.String,
    "server": pl.String,
    "name": pl.String,
    "type": pl.String,
    "code": pl.String,
    "rtt": pl.Float64,
    "flow": pl.Binary,
    "batch": pl.Int64,
    "row": pl.Int64,
}


class Transactions(NamedTuple):
    """DNS transactions as a table with the columns of TRANSACTION, and the batches that they are rows of."""

    table: pl.DataFrame
    batches: list[DnsBatch]


class Beside:
    """Files below directories, each kind read when it is first asked for and again when its files have changed."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._directories = list(directories)
        self._held: dict[str, tuple[object, Any]] = {}
        self._lock = threading.RLock()

    def has(self, suffix: str) -> bool:
        """Tell whether there are files of a kind."""
        return bool(self._files(suffix))

    def names(self) -> list[AddressName]:
        """Return the last word on each name of an address; raises InputError."""
        found: list[AddressName] = self._read(NAMES_SUFFIX, _names)
        return found

    def latest_names(self) -> Mapping[str, str]:
        """Return the name that each address had last."""
        with self._lock:
            names = self.names()
            held = self._held.get("latest")
            if held is None or held[0] is not names:
                found = {
                    ip_text(name.address): name.name for name in sorted(names, key=lambda each: each.first) if name.name
                }
                held = self._held["latest"] = (names, found)
            known: dict[str, str] = held[1]
            return known

    def transactions(self) -> Transactions:
        """Return the DNS transactions; raises InputError."""
        found: Transactions = self._read(DNS_SUFFIX, _transactions)
        return found

    def alerts(self) -> list[Alert]:
        """Return the alerts that were kept; raises InputError."""
        found: list[Alert] = self._read(ALERTS, _alerts)
        return found

    def statuses(self) -> list[ProbeStatus]:
        """Return the last status of each run of a probe; raises InputError."""
        found: list[ProbeStatus] = self._read(STATUS_FILE, _statuses)
        return found

    def _files(self, suffix: str) -> list[Path]:
        found = (path for place in self._directories for path in sorted(Path(place).rglob(f"*{suffix}")))
        return [path for path in found if not path.name.startswith(".") and path.is_file() and not path.is_symlink()]

    def _read(self, suffix: str, read: Callable[[list[Path]], Any]) -> Any:  # noqa: ANN401 - what the kind holds
        with self._lock:
            files = self._files(suffix)[:MOST_FILES]
            state = [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
            held = self._held.get(suffix)
            if held is None or held[0] != state:
                held = self._held[suffix] = (state, read(files))
            return held[1]


def _names(files: list[Path]) -> list[AddressName]:
    from clients.names.who import latest
    from sinks.formats.findings import read_names

    return latest(name for path in files for name in read_names(str(path)))


def _alerts(files: list[Path]) -> list[Alert]:
    from sinks.alerts.kept import read_alerts

    found = [alert for path in files for alert in read_alerts(str(path))]
    return sorted(found, key=lambda alert: (alert.time, alert.id, alert.revision))


def _statuses(files: list[Path]) -> list[ProbeStatus]:
    from clients.audit.statuses import Choice, latest, once, read_file

    return once(latest((status for path in files for status in read_file(path)), Choice()))


def _transactions(files: list[Path]) -> Transactions:
    from sinks.formats.findings import read_dns

    batches = [batch for path in files for batch in read_dns(str(path)) if len(batch)]
    tables = [table_of(batch, number) for number, batch in enumerate(batches)]
    return Transactions(pl.concat(tables).sort("time") if tables else pl.DataFrame(schema=TRANSACTION), batches)


def table_of(batch: DnsBatch, number: int) -> pl.DataFrame:
    """Return the transactions of a batch as a table with the columns of TRANSACTION."""
    from topics.address_columns import ip_column
    from topics.dns import KINDS, heap_values
    from topics.dns.numbers import code_text, type_text

    rows = batch.transactions
    answered = (rows["state"] & ANSWERED) > 0
    codes = [
        code_text(code) if well else "NOANSWER" for code, well in zip(rows["rcode"].tolist(), answered, strict=True)
    ]
    types = zip(rows["record_type"].tolist(), rows["kind"].tolist(), strict=True)
    took = np.where((rows["state"] & 3) == 3, (rows["answered"] - rows["time"]) / SECOND, np.nan)
    ends = {
        name: pl.Series(name, np.ascontiguousarray(rows[name]).view("V16").ravel().tolist(), pl.Binary)
        for name in ("client", "server", "flow_id")
    }
    return pl.DataFrame(
        {
            "time": rows["time"].copy(),
            **ends,
            "name": [name.decode("utf-8", "replace") for name in heap_values(rows, batch.heap, "name")],
            "type": [type_text(kind, KINDS[family]) for kind, family in types],
            "code": codes,
            "rtt": pl.Series(took).fill_nan(None),
            "batch": np.full(len(batch), number, np.int64),
            "row": np.arange(len(batch)),
        }
    ).select(
        pl.col("time").cast(pl.Int64),
        ip_column(pl.col("client")),
        ip_column(pl.col("server")),
        "name",
        "type",
        "code",
        pl.col("rtt").cast(pl.Float64),
        pl.col("flow_id").alias("flow"),
        "batch",
        "row",
    )


def described(known: Transactions, table: pl.DataFrame) -> list[dict[str, Any]]:
    """Return transactions with their answers."""
    from clients.names.radns import described as of_batch

    wanted: dict[int, set[int]] = {}
    for number, row in table.select("batch", "row").iter_rows():
        wanted.setdefault(number, set()).add(row)
    answers: dict[tuple[int, int], list[str]] = {}
    for number, rows in wanted.items():
        for row, found in enumerate(of_batch(known.batches[number])):
            if row in rows:
                answers[number, row] = [f"{each['type']} {each.get('data', '')}" for each in found.get("answer", [])]
    return [
        {
            "time": row["time"] / SECOND,
            "client": row["client"],
            "server": row["server"],
            "name": row["name"],
            "type": row["type"],
            "code": row["code"],
            "answers": answers.get((row["batch"], row["row"]), []),
            "rtt": row["rtt"],
        }
        for row in table.iter_rows(named=True)
    ]
