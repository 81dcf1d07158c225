"""DNS transactions, states of probes, findings about mirror ports and names as tables that rules look at."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import polars as pl

from processors.alerts.streams import TABLES, TEXT
from topics.address_text import ip_text, mac_text
from topics.dns import KINDS, heap_values
from topics.dns.numbers import code_text, type_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from topics.dns import DnsBatch
    from topics.names import AddressName
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "mil", "net", "or", "org", "go", "ne"}
LOSSES = ("lost", "dropped", "refused", "gave_up")  # in the names of what the way to the bus counts
MILLISECOND = 1_000_000


def dns_table(batch: DnsBatch) -> pl.DataFrame:
    """Return transactions, one row each; `namesize` and the others are bytes, `answered` is 1 or 0."""
    rows = batch.transactions
    names = [name.decode("utf-8", "replace") for name in heap_values(rows, batch.heap, "name")]
    kinds = [KINDS[kind] for kind in rows["kind"].tolist()]
    answered = ((rows["state"] & 2) > 0).tolist()
    return pl.DataFrame(
        {
            "time": rows["time"].tolist(),
            "client": [_address(each.tobytes()) for each in rows["client"]],
            "server": [_address(each.tobytes()) for each in rows["server"]],
            "name": names,
            "domain": [domain(name) for name in names],
            "type": [type_text(*pair) for pair in zip(rows["record_type"].tolist(), kinds, strict=True)],
            "result": [
                code_text(code) if done else "NOANSWER"
                for code, done in zip(rows["rcode"].tolist(), answered, strict=True)
            ],
            "kind": kinds,
            "transport": ["tcp" if protocol == 6 else "udp" for protocol in rows["protocol"].tolist()],
            "namesize": [len(name) for name in names],
            "querybytes": rows["query_bytes"].tolist(),
            "answerbytes": rows["answer_bytes"].tolist(),
            "answered": [int(done) for done in answered],
            "flow": [each.tobytes().hex() for each in rows["flow_id"]],
        },
        schema=_schema("dns", flow=True),
    )


@functools.lru_cache(65_536)
def domain(name: str) -> str:
    """Return the part of a name that somebody registered, as far as its form tells."""
    labels = name.rstrip(".").lower().split(".")
    wide = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL
    return ".".join(labels[-3 if wide else -2 :])


def probes_table(statuses: Iterable[ProbeStatus], missing: int = 0) -> pl.DataFrame:
    """Return states of probes; counters are totals since the start of the probe, `clockoffset` is ms."""
    return pl.DataFrame(
        [
            {
                "time": status.time or status.started,
                "site": status.site,
                "probe": status.probe,
                "cause": status.cause,
                "live": int(status.live),
                "packets": status.packets,
                "records": status.records,
                "flows": status.active_flows,
                "maxflows": status.max_flows,
                "evicted": status.evicted,
                "dropped": sum(status.dropped.values()),
                "lost": _lost(status.output) + _lost(status.control),
                "missing": missing,
                "odd": sum(status.odd.values()),
                "waiting": status.output.get("waiting", 0),
                "clockoffset": None if status.clock_offset is None else status.clock_offset / MILLISECOND,
            }
            for status in statuses
        ],
        schema=_schema("probes"),
    )


def missing_table(time: int, site: str, probe: str, missing: int) -> pl.DataFrame:
    """Return that batches of a probe did not come, so many in all."""
    columns: dict[str, Any] = dict.fromkeys(TABLES["probes"])
    row = columns | {"time": time, "site": site, "probe": probe, "cause": "missing", "missing": missing}
    return pl.DataFrame([row], schema=_schema("probes"))


def spans_table(findings: Sequence[SpanFinding]) -> pl.DataFrame:
    """Return findings about mirror ports; `change` is raised or cleared, `share` copies to each packet."""
    return pl.DataFrame(
        [
            {
                "time": each.time,
                "site": each.site,
                "probe": each.probe,
                "interface": each.interface,
                "change": each.state,
                "vlan": each.vlan,
                "packets": each.packets,
                "copies": each.copies,
                "share": each.share,
                "diagnosis": each.diagnosis,
            }
            for each in findings
        ],
        schema=_schema("spans"),
    )


def names_table(names: Sequence[AddressName]) -> pl.DataFrame:
    """Return names of addresses, as they were seen."""
    return pl.DataFrame(
        [
            {
                "time": each.last,
                "address": _address(each.address),
                "name": each.name,
                "source": each.source,
                "mac": mac_text(each.mac) if each.mac else "",
                "user": each.user,
                "site": each.site,
                "probe": each.probe,
            }
            for each in names
        ],
        schema=_schema("names"),
    )


def _schema(kind: str, *, flow: bool = False) -> dict[str, Any]:
    columns = {name: pl.String if holds == TEXT else pl.Float64 for name, holds in TABLES[kind].items()}
    return {"time": pl.Int64, **columns} | ({"flow": pl.String} if flow else {})


@functools.lru_cache(65_536)
def _address(address: bytes) -> str:
    return ip_text(address)


def _lost(counts: dict[str, int]) -> int:
    return sum(count for name, count in counts.items() if any(word in name for word in LOSSES))
