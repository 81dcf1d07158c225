"""What a page has to know before it asks: version, sources, time, fields, metrics, limits."""

from __future__ import annotations

import functools
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from clients.web.asking import question
from clients.web.columns import engine
from clients.web.columns.coded import EITHER, FAST
from clients.web.serving import answering
from clients.web.traffic.series import SECOND, unit_of
from clients.web.traffic.sums import METRICS

if TYPE_CHECKING:
    from clients.web.site import Site
    from topics.fields import Field

TITLES = {
    "bytes": "Bytes",
    "sbytes": "Bytes from sources",
    "dbytes": "Bytes from destinations",
    "pkts": "Packets",
    "spkts": "Packets from sources",
    "dpkts": "Packets from destinations",
    "flows": "Flows",
    "lost": "Packets lost",
    "loss": "Share of packets lost",
    "rtt": "Round trip",
}
RATES = {"bytes": "bps", "sbytes": "bps", "dbytes": "bps", "pkts": "pps", "spkts": "pps", "dpkts": "pps"}
KEYS = (
    "saddr",
    "daddr",
    "proto",
    "sport",
    "dport",
    "srcid",
    "smac",
    "dmac",
    "sco",
    "dco",
    "sas",
    "das",
    "stos",
    "svlan",
)
EXAMPLES = (
    ("tcp and dst port 443", "connections to HTTPS servers"),
    ("host 10.0.0.5 and not port 53", "all of one host but DNS"),
    ("bytes gt 1000000", "large transfers"),
    ("tcp and reset", "connections that were refused or cut"),
    ("ploss gt 5", "where packets are lost"),
    ('dname ~ "example"', "by the name that the client had asked for"),
)
ADDRESSES = {"saddr", "daddr", "laddr", "raddr", "inode"}
UNITS = {"load": "bps", "rate": "pps", "intpkt": "ms", "jit": "ms", "ploss": "%", "pretrans": "%", "pkts": "packets"}
UNITS |= {"loss": "packets", "retrans": "packets"}


def meta(site: Site) -> dict[str, Any]:
    """Return what a page has to know."""
    archive = site.archive
    span = archive.span()
    done = sum(site.engine.is_prepared(each) for each in archive.segments)
    rows = sum(each.rows for each in archive.segments if site.engine.is_prepared(each))
    return {
        "version": version("argosy"),
        "title": site.title,
        "sources": site.sources(),
        "span": {"from": span[0] / SECOND, "to": span[1] / SECOND} if span else None,
        "records": archive.rows,
        "live": site.is_live,
        "now": time.time(),
        "preparing": {
            "files": len(archive.segments) + len(archive.waiting),
            "done": done,
            "fraction": rows / archive.rows if archive.rows else 1.0,
        },
        "generation": archive.generation,
        "problems": archive.problems[:10],
        "has": site.has(),
        "fields": _fields(),
        "metrics": [
            {"name": name, "title": TITLES[name], "unit": unit_of(name), "rate": RATES.get(name)} for name in METRICS
        ],
        "by": list(FAST),
        "keys": list(KEYS),
        "limits": {
            "seconds": site.answering.seconds,
            "rows": engine.MOST_ROWS,
            "page": 1000,
            "export": 1_000_000,
            "filter": question.MOST_FILTER,
            "concurrent": answering.AT_ONCE,
        },
        "examples": [{"filter": text, "text": what} for text, what in EXAMPLES],
    }


@functools.cache
def _fields() -> list[dict[str, Any]]:
    from topics.fields import fields

    return [_described(known) for known in fields().values() if not known.doc.endswith("always blank")]


def column_of(known: Field) -> dict[str, Any]:
    """Return a field as the heading of a column."""
    return {"name": known.name, "title": known.title, "kind": kind_of(known), "unit": _unit(known)}


def _described(known: Field) -> dict[str, Any]:
    told_apart = known.format.holds not in {"bytes", "time"} and known.name not in {"rank", "rtime", "hash", "idle"}
    return {
        **column_of(known),
        "doc": known.doc,
        "groupable": told_apart,
        "sortable": known.format.holds != "bytes" and known.name not in {"rank", "rtime"},
        "fast": known.name in FAST and known.name not in EITHER,
    }


def kind_of(known: Field) -> str:
    """Return what kind of values a field has, as pages tell them apart."""
    if known.name in ADDRESSES:
        return "address"
    if known.name in {"sport", "dport"}:
        return "port"
    if known.format.holds == "bytes":
        return "payload"
    if known.format.scale != 1:
        return "seconds"
    if known.format.holds == "number" and known.name.endswith("bytes"):
        return "bytes"
    return known.format.holds


def _unit(known: Field) -> str | None:
    if known.format.scale != 1:
        return "s"
    if known.format.holds != "number":
        return None
    if known.name.endswith("bytes"):
        return "bytes"
    return UNITS.get(known.name) or UNITS.get(known.name[1:])
