"""One flow explained: everything in one object that JSON can hold, the same for a page and for a terminal."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from clients.explaining.beside import SECOND, described
from clients.explaining.finding import NEAR, span_of
from clients.explaining.observed import observers
from clients.explaining.payload import payload_of
from clients.explaining.places import places
from clients.explaining.words import duplicates, sentence
from clients.web.asking.leading import of_pair
from topics.address_text import ip_text, mac_text
from topics.fields import Field, Style, field, fields
from topics.names import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clients.explaining.beside import Beside
    from clients.explaining.finding import Found
    from topics.alerts import Alert
    from topics.names import AddressName

LEFT_OUT = {"rank", "rtime", "idle", "sname", "dname"}  # the last two may ask name servers
SAYS_NOTHING = {"", "0", "0.000000", "0x0000", "0.000"}
MOST_DNS = 20
BEFORE = 3600 * SECOND  # how long before a flow the name was asked for
RECORD = {
    "sequence": "seq",
    "cause": "cause",
    "start": "stime",
    "last": "ltime",
    "dur": "dur",
    "spkts": "spkts",
    "dpkts": "dpkts",
    "sbytes": "sbytes",
    "dbytes": "dbytes",
    "slost": "sloss",
    "dlost": "dloss",
    "sretrans": "sretrans",
    "dretrans": "dretrans",
    "swin": "swin",
    "dwin": "dwin",
    "rtt": "tcprtt",
    "state": "state",
    "verdict": "observation",
}
OWNER = {"process": "process", "pid": "pid", "user": "owner", "container": "container", "pod": "pod", "sure": "sure"}
PLACE = {"station": "station", "switch": "switch", "switch_port": "swport", "country": "co", "as": "as"}


def explained(found: Found, beside: Beside, source: str, alerts: Iterable[Alert] | None = None) -> dict[str, Any]:
    """Return all that is known of a flow; `source` are the words that name its archive to a command.

    `alerts` are those to look among, in place of those that were kept beside it.
    """
    first, last = span_of(found.records)
    one = found.records.sort(pl.col("src_packets").cast(pl.Int64) + pl.col("dst_packets"), descending=True).head(1)
    whole = merged(found.records)
    row, flow_id = one.row(0, named=True), one["flow_id"][0].hex()
    names = beside.names()
    alerts = beside.alerts() if alerts is None else alerts
    ends = {side: _end(side, whole, names, first, last) for side in ("src", "dst")}
    facts = facts_of(whole)
    return {
        "id": flow_id,
        "summary": sentence(whole),
        "filter": f'hash = "{flow_id}"',
        "command": f"argosy explain {flow_id} {source}".strip(),
        "first": first / SECOND,
        "last": last / SECOND,
        "record": {"fields": facts},
        "ends": ends,
        "records": [_record(each) for each in found.records.iter_slices(1)],
        "timeline": _timeline(found.records, first, last),
        **observers(found),
        "duplicates": duplicates(whole.row(0, named=True)),
        "dns": _dns(beside, ends, first),
        "alerts": [alert_row(each) for each in alerts if bytes.fromhex(flow_id) in each.flow_ids],
        "payload": payload_of(row),
        "merged_from": {"records": int(found.records["records"].sum()), "kept": places(found.records)},
        "related": _related(ends, row),
    }


def merged(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records of a flow as one, merged as racluster does."""
    plain = records.drop("row", "file")
    if plain.height == 1:
        return plain
    from clients.reading.sources import to_batch, to_frame
    from processors.merge.aggregation import Aggregation

    made = Aggregation(capacity=1 << 4)
    made.add(to_batch(plain))
    return to_frame(made.finish()).head(1)


def facts_of(record: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the fields of a record that say something."""
    usable = [each for each in _tellable() if set(each.roots) <= set(record.columns)]
    plain = pl.QueryOptFlags.none()  # to look for parts that expressions share takes longer than a row
    texts = record.lazy().select(each.text for each in usable).collect(optimizations=plain).row(0, named=True)
    values = record.lazy().select(each.value for each in usable).collect(optimizations=plain).row(0, named=True)
    return [
        {
            "name": each.name,
            "title": each.title,
            "text": texts[each.name].strip(),
            "value": values[each.name],
            "doc": each.doc,
        }
        for each in (one.field for one in usable)
        if texts[each.name] is not None
        and texts[each.name].strip() not in SAYS_NOTHING
        and not (each.format.holds == "time" and not values[each.name])  # a side that sent nothing
    ]


class _Tellable(NamedTuple):
    field: Field
    text: pl.Expr
    value: pl.Expr
    roots: list[str]


@functools.cache
def _tellable() -> list[_Tellable]:
    """Return the fields that may say something of a flow, as expressions: to build them takes longer than a row."""
    style = Style(port_names=False, payload="obfuscate")
    known = [each for each in fields().values() if each.name not in LEFT_OUT and not each.doc.endswith("always blank")]
    made = [(each, each.text(style).alias(each.name)) for each in known]
    return [_Tellable(each, text, _value(each).alias(each.name), text.meta.root_names()) for each, text in made]


def _value(known: Field) -> pl.Expr:
    value = known.value()
    if known.format.holds == "time":
        return value.cast(pl.Int64) / SECOND
    if known.format.holds == "bytes":
        return value.bin.size()
    return value / known.format.scale if known.format.scale != 1 else value


def _of(record: pl.DataFrame, name: str) -> Any:  # noqa: ANN401 - a number or text
    return record.select(_value(field(name))).item()


def _record(record: pl.DataFrame) -> dict[str, Any]:
    row = record.row(0, named=True)
    said: dict[str, Any] = {name: _of(record, own) for name, own in RECORD.items()}
    first, last = span_of(record)
    said |= {name: str(row[name] or "") for name in ("site", "probe", "interface")}
    said |= {"start_ns": str(first), "last_ns": str(last)}
    return said | {"rtt": said["rtt"] or None}


def _timeline(records: pl.DataFrame, first: int, last: int) -> dict[str, Any] | None:
    """Return the bytes of both directions over time, of the status records; None of one record."""
    if records.height < 2 or last <= first:
        return None
    bins = min(120, max(records.height, 2))
    step = (last - first) // bins + 1
    starts = pl.min_horizontal("src_first", "dst_first").cast(pl.Int64)
    places = records.select(((starts - first) // step).clip(0, bins - 1).alias("bin"), "src_bytes", "dst_bytes")
    sums = places.group_by("bin").sum()
    found: dict[str, list[int]] = {"sbytes": [0] * bins, "dbytes": [0] * bins}
    for place, sent, received in sums.iter_rows():
        found["sbytes"][place], found["dbytes"][place] = sent, received
    return {"start": first / SECOND, "step": step / SECOND, **found}


def _end(side: str, record: pl.DataFrame, names: list[AddressName], first: int, last: int) -> dict[str, Any]:
    row, letter = record.row(0, named=True), side[0]
    address = _of(record, f"{letter}addr")
    packed = row[f"{side}_address"]
    known = [
        name
        for name in names
        if name.name and name.address == packed and name.first <= last + NEAR and name.until >= first - NEAR
    ]
    said: dict[str, Any] = {
        "address": address,
        "port": _of(record, f"{letter}port"),
        "names": [name_row(name) for name in sorted(known, key=lambda each: -each.first)[:50]],
        "mac": mac_text(row[f"{side}_mac"]) if any(row[f"{side}_mac"]) else None,
        "name": _of(record, f"{letter}name"),
    }
    for facts in (OWNER, PLACE):
        said |= {name: _told(_of(record, f"{letter}{own}")) for name, own in facts.items()}
    return said


def _told(value: str | float | None) -> str | float | None:
    """Return a number of a label as people write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def name_row(name: AddressName) -> dict[str, Any]:
    """Return a name of an address as pages have it."""
    return {
        "name": name.name,
        "source": name.source,
        "first": name.first / SECOND,
        "last": min(name.until, name.last or name.until) / SECOND,
        "via": list(name.chain),
        "client": None if name.client == EVERYBODY else ip_text(name.client),
        "mac": mac_text(name.mac) if name.mac else None,
        "user": name.user or None,
    }


def _dns(beside: Beside, ends: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """Return what the source had asked before, and was told the address of the destination; newest first."""
    known = beside.transactions()
    names = {name["name"].lower() for name in ends["dst"]["names"] if name["source"] == "dns"}
    names |= {ends["dst"]["name"].lower()} if ends["dst"]["name"] else set()
    near = known.table.filter(
        (pl.col("client") == (ends["src"]["address"] or ""))
        & pl.col("time").is_between(first - BEFORE, first)
        & pl.col("name").str.to_lowercase().is_in(list(names))
    )
    told = described(known, near.tail(MOST_DNS).reverse())
    return [{**each, "before": first / SECOND - each["time"]} for each in told]


def alert_row(alert: Alert) -> dict[str, Any]:
    """Return an alert as pages have it."""
    query, _, text = alert.query.partition(" - ")
    return {
        "id": alert.id,
        "state": alert.state,
        "severity": alert.severity,
        "rule": alert.rule,
        "summary": alert.summary,
        "time": alert.time / SECOND,
        "first": alert.first / SECOND,
        "last": alert.last / SECOND,
        "count": alert.count,
        "value": alert.value,
        "limit": alert.limit,
        "subject": dict(alert.subject),
        "packets": alert.packets,
        "bytes": alert.bytes,
        "flow_ids": [each.hex() for each in alert.flow_ids],
        "filter": text.strip().strip("'") or None,
        "t": query.removeprefix("-t").strip() or None,
    }


def _related(ends: dict[str, Any], row: dict[str, Any]) -> list[dict[str, str]]:
    source, target = ends["src"]["address"] or "", ends["dst"]["address"] or ""
    pair = of_pair(source, target)
    found = [{"text": f"all between {source} and {target}", "filter": pair}] if pair else []
    if pair and row["protocol"] in {6, 17}:
        proto = {6: "tcp", 17: "udp"}[row["protocol"]]
        found.append(
            {
                "text": f"others to {target} port {row['dst_port']}",
                "filter": f"{proto} and dst host {target} and dst port {row['dst_port']}",
            }
        )
        found.append({"text": f"others of {source}", "filter": f"host {source}"})
    return found
