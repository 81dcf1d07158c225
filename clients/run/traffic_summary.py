"""What a capture holds, summed up while its flows go by: a sink that keeps totals instead of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_columns import address_column
from topics.fields.names import ETHERTYPES, ip_protocols
from topics.fields.services import service_names
from topics.flags import TcpState
from topics.frame import to_arrow

if TYPE_CHECKING:
    from topics.batch import FlowBatch

TCP, UDP = 6, 17
FOLD_ROWS = 500_000
KEY = ["src_address", "dst_address", "ethertype", "protocol", "service"]
ANSWERED = int(TcpState.SYN_ACK | TcpState.ESTABLISHED)
RESET = int(TcpState.SRC_RESET | TcpState.DST_RESET)
TOTALS = ["flows", "packets", "bytes", "sent", "received", "lost", "copies", "copied", "unanswered", "refused"]


def _service() -> pl.Expr:
    """Name the service by the destination's port, unless only the source's has a name (direction unknown)."""
    known = [*service_names(TCP), *service_names(UDP)]
    source = pl.col("src_port").is_in(known) & ~pl.col("dst_port").is_in(known)
    port = pl.when(source).then("src_port").otherwise("dst_port")
    return pl.when(pl.col("protocol").is_in([TCP, UDP])).then(port).otherwise(0)


def _facts(batch: FlowBatch) -> pl.DataFrame:
    frame = pl.DataFrame(to_arrow(batch))
    state = pl.col("tcp_state")
    opened = (pl.col("protocol") == TCP) & (state & int(TcpState.SYN) != 0) & (state & ANSWERED == 0)
    return frame.select(
        *KEY[:-1],
        _service().alias("service"),
        flows=pl.lit(1, pl.Int64),
        packets=pl.col("src_packets") + pl.col("dst_packets"),
        bytes=pl.col("src_bytes") + pl.col("dst_bytes"),
        sent="src_bytes",
        received="dst_bytes",
        lost=pl.col("src_lost_packets") + pl.col("dst_lost_packets"),
        copies=pl.col("src_duplicate_packets") + pl.col("dst_duplicate_packets"),
        copied=pl.col("src_duplicate_bytes") + pl.col("dst_duplicate_bytes"),
        unanswered=(opened & (pl.col("dst_packets") == 0)).cast(pl.Int64),
        refused=(opened & (state & RESET != 0)).cast(pl.Int64),
    )


class TrafficSummary:
    """Sums flows by address pair, protocol and service; takes batches like a sink of the local engine."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self._rows = 0

    def write(self, batch: FlowBatch) -> None:
        """Add the flows of a batch."""
        if len(batch):
            self._frames.append(_facts(batch).group_by(KEY).agg(pl.col(TOTALS).sum()))
            self._rows += len(self._frames[-1])
            if self._rows > FOLD_ROWS:
                self._fold()

    def advance(self, watermark: int) -> None:
        """Nothing waits for time here."""

    def close(self) -> None:
        """Nothing to be made lasting."""

    def abort(self) -> None:
        """Nothing to be undone."""

    def _fold(self) -> pl.DataFrame:
        if not self._frames:
            return pl.DataFrame(schema=dict.fromkeys([*KEY, *TOTALS], pl.Int64))
        folded = pl.concat(self._frames).group_by(KEY).agg(pl.col(TOTALS).sum()).sort("bytes", *KEY, descending=True)
        self._frames, self._rows = [folded], 0
        return folded

    def totals(self) -> dict[str, int]:
        """Return the sums over everything, by the names in TOTALS."""
        return {name: int(self._fold()[name].sum()) for name in TOTALS}

    def protocols(self) -> pl.DataFrame:
        """Return flows, packets and bytes of each protocol, most bytes first; the name is in column `protocol`."""
        named = _named(self._fold())
        return _ranked(named, ["name"]).rename({"name": "protocol"})

    def services(self) -> pl.DataFrame:
        """Return the same for each TCP and UDP service, with the number of its clients and servers."""
        frame = _named(self._fold().filter(pl.col("service") > 0))
        extra = [pl.col("src_address").n_unique().alias("clients"), pl.col("dst_address").n_unique().alias("servers")]
        port = pl.col("service").cast(pl.String) + "/" + pl.col("name")
        title = pl.coalesce(_service_name(), pl.lit("-"))
        return _ranked(frame.with_columns(port.alias("port"), title.alias("service")), ["service", "port"], extra)

    def hosts(self) -> pl.DataFrame:
        """Return what each address sent and received, and with how many others it talked; most bytes first."""
        frame = self._fold()
        ends = [
            frame.select(
                pl.col(f"{me}_address").alias("address"),
                pl.col(f"{other}_address").alias("peer"),
                "ethertype",
                "flows",
                pl.col("sent" if me == "src" else "received").alias("sent"),
                pl.col("received" if me == "src" else "sent").alias("received"),
            )
            for me, other in (("src", "dst"), ("dst", "src"))
        ]
        hosts = (
            pl.concat(ends)
            .group_by("address")
            .agg(
                pl.col("ethertype").first(),
                pl.col("peer").n_unique().alias("peers"),
                pl.col("flows", "sent", "received").sum(),
            )
            .sort(pl.col("sent") + pl.col("received"), "address", descending=True)
        )
        return hosts.head(100).with_columns(address_column(pl.col("address"), pl.col("ethertype")).alias("address"))

    def scans(self, least: int = 20) -> pl.DataFrame:
        """Return who tried many services or hosts without an answer: address, targets, ports, attempts."""
        tries = pl.col("unanswered") + pl.col("refused")
        found = (
            self._fold()
            .filter(tries > 0)
            .group_by("src_address")
            .agg(
                pl.col("ethertype").first(),
                pl.col("dst_address").n_unique().alias("targets"),
                pl.col("service").n_unique().alias("ports"),
                tries.sum().alias("attempts"),
            )
            .filter(pl.col("attempts") >= least)
            .sort("attempts", "src_address", descending=True)
        )
        return found.with_columns(address_column(pl.col("src_address"), pl.col("ethertype")).alias("src_address"))


def _service_name() -> pl.Expr:
    tcp = pl.col("service").replace_strict(service_names(TCP), default=None, return_dtype=pl.String)
    udp = pl.col("service").replace_strict(service_names(UDP), default=None, return_dtype=pl.String)
    return pl.when(pl.col("protocol") == TCP).then(tcp).otherwise(udp)


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the name of the protocol: of IP, else of the EtherType."""
    ip = pl.col("ethertype").is_in([0x0800, 0x86DD])
    number = pl.col("protocol").cast(pl.String)
    protocol = pl.col("protocol").replace_strict(ip_protocols(), default=None, return_dtype=pl.String)
    ethertype = pl.col("ethertype").replace_strict(ETHERTYPES, default=None, return_dtype=pl.String)
    layer_2 = pl.coalesce(ethertype, pl.when(pl.col("ethertype") < 1536).then(pl.lit("llc")), pl.lit("other"))
    return frame.with_columns(pl.when(ip).then(pl.coalesce(protocol, number)).otherwise(layer_2).alias("name"))


def _ranked(frame: pl.DataFrame, by: list[str], extra: list[pl.Expr] | None = None) -> pl.DataFrame:
    sums = pl.col("flows", "packets", "bytes").sum()
    return frame.group_by(by).agg(*(extra or []), sums).sort("bytes", *by, descending=True)
