"""`argosy racount`: how many records, packets and bytes, by protocol too, and kinds of addresses. As in Argus."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source

if TYPE_CHECKING:
    import polars as pl

    from clients.options import Parsed

USAGE = "argosy racount -r FILE... | -R DIR... [-M proto addr] [OPTIONS] [- FILTER]"
SUMMARY = """Prints how many records a filter selects, and their packets and bytes, of each direction and together.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    Option("-M", "MODE...", "proto: the same by protocol; addr: how many addresses of each kind; TZ=ZONE"),
)
COUNTED = ("src_packets", "dst_packets", "src_bytes", "dst_bytes")
HEADING = (
    "racount   records     total_pkts     src_pkts       dst_pkts       total_bytes        src_bytes          dst_bytes"
)
WIDTHS = (11, 14, 14, 14, 18, 18, 18)
# Kinds of addresses after the registries of IANA; the first network that an address is in tells.
KINDS = (
    ("IPv4 Unicast This Network", ("0.0.0.0/8",)),
    ("IPv4 Unicast Loopback", ("127.0.0.0/8",)),
    ("IPv4 Unicast Link Local", ("169.254.0.0/16",)),
    ("IPv4 Unicast Private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("IPv4 Multicast Local", ("224.0.0.0/24",)),
    ("IPv4 Multicast", ("224.0.0.0/4",)),
    ("IPv4 Unicast Reserved", ("240.0.0.0/4",)),
    ("IPv4 Unicast", ("0.0.0.0/0",)),
    ("IPv6 Unspecified", ("::/128",)),
    ("IPv6 Loopback", ("::1/128",)),
    ("IPv6 LinkLocal", ("fe80::/10",)),
    ("IPv6 Unique Local", ("fc00::/7",)),
    ("IPv6 Multicast Link Local", ("ff02::/16", "ff12::/16")),
    ("IPv6 Multicast", ("ff00::/8",)),
    ("IPv6 Unicast", ("::/0",)),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("proto", "addr"))


def _run(parsed: Parsed, modes: set[str]) -> int:
    import polars as pl

    protocols, addresses = [], []
    columns = {*COUNTED, *(_protocol_columns() if "proto" in modes else ()), *(ADDRESSED if "addr" in modes else ())}
    for frame in inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), columns)):
        name = _protocol() if "proto" in modes else pl.lit("")
        protocols.append(_counted(frame, name))
        if "addr" in modes:
            addresses.append(_addresses(frame))
    by_protocol = _added(protocols)
    totals = _sums(by_protocol)
    print(HEADING)
    print("    sum   " + _line(totals))
    if "proto" in modes:
        print("Protocol Summary")
        for row in by_protocol.iter_rows():
            print(f"{row[0][:8]:>7}".ljust(10) + _line(row[1:]))
    if "addr" in modes:
        print("Address Summary")
        _print_addresses(pl.concat(addresses).unique() if addresses else None)
    return 0 if totals[0] else inquiry.NO_MATCH


def _protocol() -> pl.Expr:
    from topics.fields import field

    return field("proto").value()


def _protocol_columns() -> list[str]:
    return _protocol().meta.root_names()


def _counted(frame: pl.DataFrame, name: pl.Expr) -> pl.DataFrame:
    import polars as pl

    counts = (pl.len().cast(pl.Int64).alias("records"), *(pl.col(column).sum() for column in COUNTED))
    return frame.select(name.alias("name"), *COUNTED).group_by("name").agg(*counts)


def _added(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the counts of each protocol over all frames, most records first."""
    import polars as pl

    if not parts:
        return pl.DataFrame(schema={"name": pl.String, "records": pl.Int64} | dict.fromkeys(COUNTED, pl.Int64))
    added = pl.concat(parts).group_by("name").agg(pl.col("records", *COUNTED).sum())
    return added.sort("records", "name", descending=[True, False])


def _sums(counts: pl.DataFrame) -> tuple[int, ...]:
    return tuple(counts.drop("name").sum().fill_null(0).row(0))


def _line(counts: tuple[int, ...]) -> str:
    records, src_packets, dst_packets, src_bytes, dst_bytes = counts
    figures = (
        records,
        src_packets + dst_packets,
        src_packets,
        dst_packets,
        src_bytes + dst_bytes,
        src_bytes,
        dst_bytes,
    )
    return " ".join(f"{figure:<{width}}" for figure, width in zip(figures, WIDTHS, strict=True))


ADDRESSED = ("ethertype", "src_address", "dst_address")


def _addresses(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct IP addresses of each side."""
    import polars as pl

    ip = frame.filter(pl.col("ethertype").is_in([0x0800, 0x86DD]))
    sides = [
        ip.select(pl.lit(side).alias("side"), pl.col(f"{side}_address").alias("address")) for side in ("src", "dst")
    ]
    return pl.concat(sides).unique()


def _print_addresses(addresses: pl.DataFrame | None) -> None:
    import polars as pl

    from topics.expression import col, when
    from topics.expression.polars import polars

    if addresses is None:
        return
    kind: object = None
    for name, networks in reversed(KINDS):
        for network in networks:
            kind = when(col("address").ip_within(ip_network(network))).then(name).otherwise(kind)  # type: ignore[arg-type]  # nested so far
    counts = addresses.group_by(polars(kind).alias("kind")).agg(  # type: ignore[arg-type]  # a value by now
        *((pl.col("side") == side).sum().alias(side) for side in ("src", "dst"))
    )
    found = {row[0]: row[1:] for row in counts.iter_rows()}
    for name, _ in KINDS:
        if name in found:
            print(f"  {name:<25} src {found[name][0]:<9} dst {found[name][1]:<9} ")
