"""What is said of a flow in words: the whole of it in a sentence, and why copies of its packets are taken for such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topics.fields import field

if TYPE_CHECKING:
    import polars as pl

SECOND = 1_000_000_000
DIFFERENCES = ("the TTL", "the VLAN", "the MAC addresses", "the MPLS label")
VLAN_ID = 0xFFF


def sentence(record: pl.DataFrame) -> str:
    """Return a flow in a line."""
    names = ("saddr", "sport", "daddr", "dport", "proto", "dur", "pkts", "bytes", "state")
    values = record.select(field(name).value().alias(name) for name in names).row(0, named=True)
    ends = [
        f"{values[address]}" + (f" port {values[port]}" if values[port] else "")
        for address, port in (("saddr", "sport"), ("daddr", "dport"))
    ]
    return (
        f"{ends[0]} to {ends[1]}, {values['proto']}, {(values['dur'] or 0) / SECOND:.3f} s, "
        f"{values['pkts']:,} packets, {size(values['bytes'])}, {values['state']}"
    )


def size(count: int) -> str:
    """Return bytes with a unit."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def duplicates(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return which packets of a flow are copies that the mirroring made, and why; None without any."""
    copies = sum(row[f"{side}_duplicate_packets"] for side in ("src", "dst"))
    if not copies:
        return None
    packets = row["src_packets"] + row["dst_packets"]
    lag = sum(row[f"{side}_duplicate_lag_sum"] for side in ("src", "dst")) / copies / SECOND
    return {
        "packets": copies,
        "bytes": sum(row[f"{side}_duplicate_bytes"] for side in ("src", "dst")),
        "share": copies / (packets + copies),
        "lag": lag,
        "ttl": max(row["src_duplicate_ttl"], row["dst_duplicate_ttl"]),
        "vlan": max(row["src_duplicate_vlan"], row["dst_duplicate_vlan"]) & VLAN_ID,
        "why": _reasons(row, copies, lag),
    }


def _reasons(row: dict[str, Any], copies: int, lag: float) -> list[str]:
    bits = row["src_duplicate_differences"] | row["dst_duplicate_differences"]
    other = [text for place, text in enumerate(DIFFERENCES) if bits >> place & 1]
    found = [f"{copies:,} packets came again {lag * 1e6:,.0f} us later on average, with the same IP header and payload"]
    found.append(
        f"the copies differ in {', '.join(other)}: a router lies between"
        if bits & 1
        else f"the copies differ in {', '.join(other)}"
        if other
        else "the copies are the same to the last bit"
    )
    found.append("a sender that sends again does so after a round trip, and with another IP identification")
    return found
