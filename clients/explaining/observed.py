"""Who saw the conversation of a flow, in the order of its way, and how what they saw differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from topics.address_text import mac_text

if TYPE_CHECKING:
    from clients.explaining.finding import Found

SECOND = 1_000_000_000
POINT = ("site", "probe", "interface")
VLAN_ID = 0xFFF


def observers(found: Found) -> dict[str, Any]:
    """Return `observers` in the order of the way from the source on, and `differences` in words."""
    own, others = found.records, found.others
    source = own["src_address"][0]
    every = pl.concat([own, others], how="diagonal_relaxed") if others.height else own
    points = [_point(rows, source) for _, rows in every.group_by(POINT, maintain_order=True)]
    known = all(point["sttl"] and point["dttl"] for point in points)
    # Every hop takes one from the TTL; where that is not known, packets come by one point after the other.
    points.sort(key=lambda each: ((each["dttl"] - each["sttl"]) if known else 0, each["first"]))
    first = str(own["probe"][0]), str(own["interface"][0])
    for place, point in enumerate(points):
        point["order"] = place
    return {
        "observers": points,
        "differences": [text for point in points for text in _differences(point, points, first)],
    }


def _point(rows: pl.DataFrame, source: bytes) -> dict[str, Any]:
    """Return what one point saw, its directions those of the flow that is explained."""
    turned = [address != source for address in rows["src_address"].to_list()]
    one = rows.row(0, named=True)
    sides = ("dst", "src") if turned[0] else ("src", "dst")

    def summed(name: str) -> tuple[int, int]:
        ends = [
            (a, b) if not flipped else (b, a)
            for a, b, flipped in zip(rows[f"src_{name}"], rows[f"dst_{name}"], turned, strict=True)
        ]
        return sum(a for a, _ in ends), sum(b for _, b in ends)

    packets, sizes, lost = summed("packets"), summed("bytes"), summed("lost_packets")
    first = rows.select(pl.min_horizontal("src_first", "dst_first").min().cast(pl.Int64)).item() or 0
    last = rows.select(pl.max_horizontal("src_last", "dst_last").max().cast(pl.Int64)).item() or 0
    verdict = {1: "primary", 2: "further"}.get(one["verdict"])
    return {
        **{name: str(one[name] or "") for name in POINT},
        "spkts": packets[0],
        "dpkts": packets[1],
        "sbytes": sizes[0],
        "dbytes": sizes[1],
        "lost": sum(lost),
        "sttl": one[f"{sides[0]}_ttl"],
        "dttl": one[f"{sides[1]}_ttl"],
        "smac": mac_text(one[f"{sides[0]}_mac"]),
        "dmac": mac_text(one[f"{sides[1]}_mac"]),
        "svlan": one[f"{sides[0]}_vlan"] & VLAN_ID,
        "clock": None,
        "first": first / SECOND,
        "last": last / SECOND,
        "verdict": verdict,
    }


def _differences(point: dict[str, Any], points: list[dict[str, Any]], own: tuple[str, str]) -> list[str]:
    reference = next((each for each in points if (each["probe"], each["interface"]) == own), points[0])
    if point is reference:
        return []
    name = "/".join(filter(None, (point["probe"], point["interface"])))
    texts = []
    for end, key in (("source", "spkts"), ("destination", "dpkts")):
        by = point[key] - reference[key]
        if by:
            texts.append(f"{name} saw {abs(by):,} packets of the {end} {'more' if by > 0 else 'less'}")
    for end, key in (("source", "sttl"), ("destination", "dttl")):
        by = point[key] - reference[key]
        if by:
            texts.append(f"at {name} the TTL of the {end} is {abs(by)} {'higher' if by > 0 else 'lower'}")
    if point["smac"] != reference["smac"] or point["dmac"] != reference["dmac"]:
        texts.append(f"at {name} the frames have other MAC addresses")
    if point["svlan"] != reference["svlan"]:
        texts.append(f"at {name} the frames are in VLAN {point['svlan']} instead of {reference['svlan']}")
    return texts or [f"{name} saw the same"]
