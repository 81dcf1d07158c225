"""Who saw the conversation of a flow, in the order of its way, and how what they saw differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from topics.address_text import mac_text

if TYPE_CHECKING:
    from clients.explaining.finding import Found

SECOND = 1_000_000_000
POINT = ("site", "probe", "interface")
ENDS = (("src", "source"), ("dst", "destination"))
VERDICTS = {1: "primary", 2: "further"}
VLAN_ID, MPLS_SHIFT = 0xFFF, 12
LEAST = 1000  # ns that tell one time from another


def observers(found: Found) -> dict[str, Any]:
    """Return `observers` in the order of the way from the source on, and `differences` in words.

    `clock` is by how much the clock of a point is ahead of that of the first, where both saw the same packets both ways
    (processors/observers/clocks.py), `later` by how much later packets came there, clocks apart; s.
    """
    own, others = found.records, found.others
    source = own["src_address"][0]
    every = pl.concat([own, others], how="diagonal_relaxed") if others.height else own
    points = [_point(rows, source) for _, rows in every.group_by(POINT, maintain_order=True)]
    _in_path_order(points)
    for place, point in enumerate(points):
        point["order"] = place + 1
        point["clock"] = _clock(point, points[0])
        point["later"] = (point["first"] - points[0]["first"]) / SECOND - (point["clock"] or 0.0)
    mine = tuple(str(own[name][0] or "") for name in POINT)
    reference = next(point for point in points if tuple(point[name] for name in POINT) == mine)
    differences = [text for point in points if point is not reference for text in _differences(point, reference)]
    return {"observers": [_told(point) for point in points], "differences": differences}


def _point(rows: pl.DataFrame, source: bytes) -> dict[str, Any]:
    """Return what one point saw, its directions those of the flow that is explained; times in ns, 0 for none."""
    turned = [address != source for address in rows["src_address"].to_list()]
    one = rows.row(0, named=True)
    sides = ("dst", "src") if turned[0] else ("src", "dst")

    def of(name: str, side: int) -> list[int]:
        pairs = zip(rows[f"src_{name}"].cast(pl.Int64), rows[f"dst_{name}"].cast(pl.Int64), turned, strict=True)
        return [pair[side ^ pair[2]] or 0 for pair in pairs]

    point: dict[str, Any] = {name: str(one[name] or "") for name in POINT}
    for side, own in enumerate(sides):
        letter = ENDS[side][0][0]
        seen = [time for time in of("first", side) if time]
        point |= {
            f"{letter}pkts": sum(of("packets", side)),
            f"{letter}bytes": sum(of("bytes", side)),
            f"{letter}lost": sum(of("lost_packets", side)),
            f"{letter}ttl": max(of("ttl_max", side)) or None,
            f"{letter}first": min(seen, default=0),
            f"{letter}last": max(of("last", side)),
            f"{letter}mac": mac_text(one[f"{own}_mac"]) if any(one[f"{own}_mac"]) else None,
            f"{letter}vlan": (one[f"{own}_vlan"] & VLAN_ID) or None,
            f"{letter}mpls": (one[f"{own}_mpls"] >> MPLS_SHIFT) or None,
        }
    point["first"] = min((point[name] for name in ("sfirst", "dfirst") if point[name]), default=0)
    point["last"] = max(point["slast"], point["dlast"])
    point["verdict"] = VERDICTS.get(one["verdict"])
    return point


def _in_path_order(points: list[dict[str, Any]]) -> None:
    """Sort points: every hop takes one from the TTL; where that is not known everywhere, by the first packet."""
    known = [name for name in ("sttl", "dttl") if all(point[name] for point in points)]
    signs = {"sttl": -1, "dttl": 1}
    points.sort(key=lambda point: (sum(signs[name] * point[name] for name in known), point["first"]))


def _clock(point: dict[str, Any], first: dict[str, Any]) -> float | None:
    """Return by how much a clock is ahead: what packets going to and fro took longer cancels out."""
    if point is first:
        return None
    same = all(point[name] == first[name] and point[name] for name in ("spkts", "dpkts"))
    times = ("sfirst", "dfirst", "slast", "dlast")
    return sum(point[name] - first[name] for name in times) / len(times) / SECOND if same else None


def _differences(point: dict[str, Any], reference: dict[str, Any]) -> list[str]:
    name = "/".join(point[part] for part in POINT[1:] if point[part])
    texts = []
    for side, end in ENDS:
        by = point[f"{side[0]}pkts"] - reference[f"{side[0]}pkts"]
        if by:
            texts.append(
                f"{name} saw {abs(by):,} packet{'s' * (abs(by) != 1)} of the {end} {'more' if by > 0 else 'less'}"
            )
    for side, end in ENDS:
        ttl, other = point[f"{side[0]}ttl"], reference[f"{side[0]}ttl"]
        if ttl and other and ttl != other:
            texts.append(f"at {name} the TTL of the {end} is {abs(ttl - other)} {'higher' if ttl > other else 'lower'}")
    if any(point[name_] != reference[name_] for name_ in ("smac", "dmac")):
        texts.append(f"at {name} the frames have other MAC addresses")
    for what, title in (("vlan", "VLAN"), ("mpls", "MPLS label")):
        values = [_either(each, what) for each in (point, reference)]
        if values[0] != values[1]:
            texts.append(
                f"at {name} the frames have {_carried(title, values[0])} instead of {_carried(title, values[1])}"
            )
    by = point["later"] - reference["later"]
    if abs(by) * SECOND >= LEAST:
        texts.append(f"{name} saw it {abs(by) * 1000:,.3f} ms {'later' if by > 0 else 'earlier'}{_apart(point)}")
    return texts or [f"{name} saw the same"]


def _either(point: dict[str, Any], what: str) -> int | None:
    found: int | None = point[f"s{what}"] or point[f"d{what}"]
    return found


def _carried(title: str, value: int | None) -> str:
    return f"no {title}" if value is None else f"{title} {value}"


def _apart(point: dict[str, Any]) -> str:
    return " by its own clock" if point["clock"] is None and point["order"] > 1 else ""


def _told(point: dict[str, Any]) -> dict[str, Any]:
    ends = {name: point[name] / SECOND for name in ("first", "last")}
    inner = {"sfirst", "dfirst", "slast", "dlast"}
    return (
        {name: value for name, value in point.items() if name not in inner}
        | ends
        | {"lost": point["slost"] + point["dlost"]}
    )
