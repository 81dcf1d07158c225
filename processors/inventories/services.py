"""Which ports hosts offer: who was talked to, whether it answered, and how many clients it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from processors.inventories.series import ordered_ranges
from processors.inventories.sums import merged
from processors.inventories.tally import Tally
from topics.distinct import Numbering
from topics.expression import col
from topics.expression.polars import polars
from topics.fields.columns import TCP, WITH_PORTS, is_ip
from topics.flags import TcpState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processors.inventories.sums import Schema

RESET = TcpState.SRC_RESET | TcpState.DST_RESET
FIGURES = dict.fromkeys(("records", "answered", "refused", "packets", "bytes"), "sum") | {"first": "min", "last": "max"}
KEY = ("host", "protocol", "port")
OPEN, REFUSED, SILENT = "open", "refused", "silent"
NEW, GONE, KEPT = "new", "gone", "kept"
COUNTED = ("packets", "bytes")
SOME = 1 << 18  # rows that are numbered at a time
OF_HOST, OF_PROTOCOL, OF_SERVICE = 24, 16, 32  # bits of an integer below the number of a host, protocol, service
TIME = pl.Datetime("ns", "UTC")
SERVICES: Schema = {
    "host": pl.Binary,
    "protocol": pl.UInt8,
    "port": pl.UInt16,
    "clients": pl.Int64,
    **{name: pl.Int64 if rule == "sum" else TIME for name, rule in FIGURES.items()},
}


def is_answered() -> pl.Expr:
    """Tell which records show that somebody is there: TCP accepted or sent data, all others sent a packet."""
    accepted = polars(col("tcp_state").has(TcpState.SYN_ACK))

    def by(side: str) -> pl.Expr:
        return (pl.col(f"{side}_packets") > 0) & (accepted | (pl.col(f"{side}_app_bytes") > 0))

    server = pl.when(_is_turned()).then(by("src")).otherwise(by("dst"))
    return pl.when(pl.col("protocol") == TCP).then(server).otherwise(pl.col("dst_packets") > 0)


def _refused() -> pl.Expr:
    """Tell which records show that nobody is: reset, or said by ICMP to be unreachable."""
    is_reset = (pl.col("protocol") == TCP) & polars(col("tcp_state").has(RESET))
    return ~is_answered() & (is_reset | (pl.col("icmp_error") > 0))


def _with_ports() -> pl.Expr:
    return polars(is_ip()) & pl.col("protocol").is_in(WITH_PORTS)


def columns() -> set[str]:
    """Return the columns of records that `services` takes."""
    needed = {name for value in (_refused(), _with_ports()) for name in value.meta.root_names()}
    sides = {f"{side}_{name}" for side in ("src", "dst") for name in ("address", "port", *COUNTED, "first", "last")}
    return needed | sides


def services(pieces: Iterable[pl.LazyFrame], *, of_clients: bool = False) -> pl.DataFrame:
    """Return a row for each host, protocol and port, in this order: KEY, `clients`, FIGURES and `state`.

    The host and port are those of the destination, of the source where they are `of_clients`; then `clients` counts
    the servers.
    """
    found = _Found(of_clients=of_clients)
    for rows in _together(piece.filter(_with_ports()).select(_seen()) for piece in pieces):
        found.add(rows)
    return found.frame().with_columns(_state().alias("state"))


def _together(pieces: Iterable[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Collect pieces, and put small ones together: numbering looks at all that it knows, each time."""
    waiting: list[pl.DataFrame] = []
    height = 0
    for piece in pieces:
        waiting.append(piece.collect(engine="streaming"))
        height += waiting[-1].height
        if height >= SOME:
            yield pl.concat(waiting)
            waiting, height = [], 0
    if height:
        yield pl.concat(waiting)


class _Found:
    """The services of some records: addresses are numbered, so that a service is one integer and a client another."""

    def __init__(self, *, of_clients: bool) -> None:
        self._of_clients = of_clients
        self._addresses, self._keys = Numbering(), Numbering()
        self._figures = Tally(FIGURES)
        self._clients = [pl.Series(dtype=pl.Int64)]  # the numbers of service and client: each pair once in each

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows as `_seen`, at least one."""
        both = pl.concat([rows["src_address"].rename("address"), rows["dst_address"].rename("address")])
        source, target = self._addresses.numbers(both.to_frame()).reshape(2, rows.height)
        is_source = rows["is_turned"].to_numpy() ^ self._of_clients
        host, client = np.where(is_source, source, target), np.where(is_source, target, source)
        port = np.where(is_source, rows["src_port"].to_numpy(), rows["dst_port"].to_numpy())
        keys = (host << OF_HOST) | (rows["protocol"].cast(pl.Int64).to_numpy() << OF_PROTOCOL) | port
        numbers = self._keys.numbers(pl.DataFrame({"key": keys}))
        self._figures.add(numbers, rows)
        self._clients.append(pl.Series((numbers << OF_SERVICE) | client).unique())
        if sum(map(len, self._clients[1:])) > max(SOME, 2 * len(self._clients[0])):
            self._clients = [pl.concat(self._clients).unique()]

    def frame(self) -> pl.DataFrame:
        """Return KEY, `clients` and FIGURES of each service, in this order."""
        keys, addresses = self._keys.known, self._addresses.known
        if keys is None or addresses is None:
            return pl.DataFrame(schema=SERVICES)
        key = keys["key"].to_numpy()
        rank = addresses["address"].rank("ordinal").cast(pl.Int64).to_numpy()
        order = np.argsort((rank[key >> OF_HOST] << OF_HOST) | (key & ((1 << OF_HOST) - 1)))
        pairs = pl.concat(self._clients).unique().to_numpy()
        columns = {
            "host": addresses["address"].gather(key >> OF_HOST),
            "protocol": key >> OF_PROTOCOL & 0xFF,
            "port": key & 0xFFFF,
            "clients": np.bincount(pairs >> OF_SERVICE, minlength=len(key)),
        }
        figures = self._figures.frame().get_columns()
        return pl.DataFrame({**columns, **{figure.name: figure for figure in figures}})[order].cast(pl.Schema(SERVICES))


def _is_turned() -> pl.Expr:
    """Tell which records of TCP do not know who began, and have a packet of the server first: it has the lower port."""
    amidst = (pl.col("protocol") == TCP) & ~polars(col("tcp_state").has(TcpState.SYN))
    return amidst & (pl.col("src_port") < pl.col("dst_port"))


def _seen() -> list[pl.Expr]:
    """Return what is asked of a record: both its ends, whether the source is the server, and FIGURES."""
    figures = {
        **{name: pl.col(name) for name in ("protocol", "src_address", "dst_address", "src_port", "dst_port")},
        "is_turned": _is_turned(),
        "records": pl.lit(1, pl.Int64),
        "answered": is_answered().cast(pl.Int64),
        "refused": _refused().cast(pl.Int64),
        **{name: pl.col(f"src_{name}") + pl.col(f"dst_{name}") for name in COUNTED},
        "first": pl.min_horizontal("src_first", "dst_first"),
        "last": pl.max_horizontal("src_last", "dst_last"),
    }
    return [value.alias(name) for name, value in figures.items()]


def _state() -> pl.Expr:
    is_refused = pl.when(pl.col("refused") > 0).then(pl.lit(REFUSED)).otherwise(pl.lit(SILENT))
    return pl.when(pl.col("answered") > 0).then(pl.lit(OPEN)).otherwise(is_refused)


def compared(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return services of both, those of `now` where they are in both, with `change`: new, gone or kept."""
    known = before.select(KEY).with_columns(pl.lit(KEPT).alias("change"))
    here = now.join(known, on=KEY, how="left").with_columns(pl.col("change").fill_null(NEW))
    gone = before.join(now, on=KEY, how="anti").with_columns(pl.lit(GONE).alias("change"))
    return pl.concat([here, gone]).sort(KEY)


def by_host(found: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each host and protocol: how many services (`count`), and which (`ports`).

    `found` is as `services` or `compared` returns it: each service once, in order.
    """
    listed = ordered_ranges(found, KEY[:2], "port").rename({"ranges": "ports"})
    figures = merged({"records": "sum", "bytes": "sum", "first": "min", "last": "max"})
    runs = found.group_by(pl.struct(KEY[:2]).rle_id().alias("run"), maintain_order=True).agg(figures)
    return pl.concat([listed, runs.drop("run")], how="horizontal")
