"""A host: who it was, what it offered and used, with whom it talked, and since when."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from clients.explaining.explained import alert_row, name_row
from clients.web.asking.leading import filter_of, joined
from clients.web.asking.question import MOST_TEXT
from clients.web.errors import MissingError, ParameterError, TooLargeError
from clients.web.traffic.fresh import FOREVER
from clients.web.traffic.overview import whole
from clients.web.traffic.series import SECOND, grid, listed
from clients.web.traffic.sums import Sums, sums_in_time
from clients.web.traffic.tops import label_of, named
from clients.web.views.host_labels import labels_of
from clients.web.views.host_scans import scans
from clients.web.views.host_sides import BY, code_of, sides_of, summed, taken
from processors.summaries.sums_kernel import LATENCIES, SUMS

if TYPE_CHECKING:
    from clients.explaining.beside import Beside
    from clients.web.asking.asked import Asked
    from clients.web.asking.question import Question
    from clients.web.columns.engine import Engine, Rows

MOST = 100


def host(engine: Engine, beside: Beside, question: Question, asked: Asked, address: str, bins: int) -> dict[str, Any]:
    """Return what is known of an address; raises ParameterError for something else."""
    key = checked(address)
    own = filter_of("addr", key)
    about = replace(question, filter=joined(own, question.filter) or "")
    sides = sides_of(engine, about, asked, key)
    if not sides.height:
        raise MissingError(f"no flows of {key} here")
    tried = sides.filter("vain")
    offered = sides.filter(~pl.col("began")).join(sides.filter(~pl.col("vain")), on=BY, how="semi")
    found: dict[str, Any] = {
        "address": key,
        "first": int(sides["stime"].min()) / SECOND,  # type: ignore[arg-type]  # a number: there are rows
        "last": int(sides["ltime"].max()) / SECOND,  # type: ignore[arg-type]  # likewise
        "first_ever": _first_ever(engine, replace(question, filter=own or "", times=None), asked),
        "totals": whole(engine, about, asked),
        "series": _series(engine, about, asked, key, bins),
        "services_offered": _services(engine, offered, key, offered=True),
        "services_used": _services(engine, sides.filter(pl.col("began")), key, offered=False),
        "peers": _peers(engine, sides, key),
        "scans": scans(engine, tried, key),
        **labels_of(engine, about, asked, key),
    }
    return {**found, **_labels(engine, about, asked, key), **_beside(engine, beside, question, key)}


def _first_ever(engine: Engine, own: Question, asked: Asked) -> float | None:
    """Return when the first flow of a host was of all that is kept (s), None where that is too much to look at."""
    span = engine.archive.span()
    if span is None:
        return None

    def of_file(rows: Rows) -> int:
        start = rows.file.columns["start"]
        chosen = start[rows.mask] if len(rows.mask) else start
        return int(chosen.min()) if len(chosen) else FOREVER

    try:
        starts = engine.each(replace(own, first=span[0], end=span[1]), asked, of_file)
    except TooLargeError:
        return None
    return min(starts, default=FOREVER) / SECOND if starts else None


def checked(address: str) -> str:
    """Return an address as flows have it; raises ParameterError."""
    text = address.strip().lower()[:MOST_TEXT]
    try:
        return str(ip_address(text))
    except ValueError:
        if filter_of("addr", text) is None:
            raise ParameterError("that is no address", "address") from None
        return text


def _services(engine: Engine, sides: pl.DataFrame, key: str, *, offered: bool) -> list[dict[str, Any]]:
    words = engine.columns.vocabulary("service").words
    total = pl.col("sbytes") + pl.col("dbytes")
    made = summed(sides, ("service",)).with_columns(total.alias("bytes")).sort("bytes", descending=True)
    side = "dst" if offered else "src"
    rows = []
    for row in made.head(MOST).iter_rows(named=True):
        service = words[row["service"]]
        proto, _, port = service.partition("/")
        rows.append(
            {
                "service": label_of("service", service),
                "proto": proto,
                "port": int(port) if port else None,
                "clients" if offered else "servers": row["others"],
                "flows": row["flows"],
                "bytes": row["bytes"],
                "first": row["stime"] / SECOND,
                "last": row["ltime"] / SECOND,
                "filter": joined(filter_of(f"{side[0]}addr", key), filter_of("service", service)),
            }
        )
    return rows


def _peers(engine: Engine, sides: pl.DataFrame, key: str) -> list[dict[str, Any]]:
    words = engine.columns.vocabulary("addr").words
    sent = pl.when("began").then("sbytes").otherwise("dbytes")
    received = pl.when("began").then("dbytes").otherwise("sbytes")
    made = sides.group_by("other").agg(
        pl.col("flows").sum(),
        sent.sum().alias("sent"),
        received.sum().alias("received"),
        pl.col("stime").min(),
        pl.col("ltime").max(),
    )
    chosen = made.sort(pl.col("sent") + pl.col("received"), descending=True).head(MOST)
    rows = [
        {
            "key": words[row["other"]],
            "label": words[row["other"]],
            "flows": row["flows"],
            "sent": row["sent"],
            "received": row["received"],
            "bytes": row["sent"] + row["received"],
            "first": row["stime"] / SECOND,
            "last": row["ltime"] / SECOND,
            "filter": joined(filter_of("addr", key), filter_of("addr", words[row["other"]])),
        }
        for row in chosen.iter_rows(named=True)
    ]
    named(engine, rows, "addr")
    return rows


def _series(engine: Engine, about: Question, asked: Asked, key: str, bins: int) -> dict[str, Any]:
    """Return bytes over time, `up` those that the host sent."""
    begin, step, count = grid(about, bins)
    code = engine.columns.vocabulary("saddr").code(key)
    empty = Sums(np.zeros((2, count, SUMS), np.int64), np.zeros((2, count, LATENCIES)))
    found = empty if code is None else sums_in_time(engine, about, asked, "saddr", [code], begin, step, count)
    sent, received = (found.metric(name) for name in ("sbytes", "dbytes"))
    up, down = sent[0] + received[1], received[0] + sent[1]
    line = {
        "key": key,
        "label": key,
        "filter": filter_of("addr", key),
        "values": listed(up + down),
        "total": int((up + down).sum()),
    }
    ends = {"step": step / SECOND, "start": begin / SECOND, "bins": count, "metric": "bytes", "by": "", "unit": "bytes"}
    return {**ends, "series": [{**line, "up": listed(up), "down": listed(down)}], "rest": None, "before": None}


def _labels(engine: Engine, about: Question, asked: Asked, key: str) -> dict[str, Any]:
    """Return what labels said of the host last: country, AS, locality, and the owners of its flows."""
    said: dict[str, Any] = {}
    for name, fields in (("country", ("sco", "dco")), ("as", ("sas", "das")), ("locality", ("sloc", "dloc"))):
        said[name] = next(iter(_values(engine, about, asked, key, fields)), None)
    return said


def _values(engine: Engine, about: Question, asked: Asked, key: str, fields: tuple[str, str]) -> list[str]:
    def of_file(rows: Rows) -> set[str]:
        file = rows.file
        mine, found = code_of(engine, file, key), set[str]()
        places = np.flatnonzero(rows.mask) if len(rows.mask) else np.arange(file.rows)
        for end, name in zip(("saddr", "daddr"), fields, strict=True):
            codes = taken(file.column(name), places)[taken(file.column(end), places) == mine]
            words = file.words[{"sco": "country", "sas": "as", "sloc": "locality"}[fields[0]]]
            found |= {words[code] for code in np.unique(codes).tolist() if code}
        return found

    return sorted(set().union(*engine.together(about, asked, of_file)))


def _beside(engine: Engine, beside: Beside, question: Question, key: str) -> dict[str, Any]:
    """Return what lies beside flows: names, MACs, DNS, alerts."""
    from topics.address_text import ip_text, mac_text

    own = [name for name in beside.names() if ip_text(name.address) == key]
    own.sort(key=lambda each: -each.first)
    macs: dict[str, tuple[int, int, int]] = {}
    for name in own:
        if name.mac:
            first, last, count = macs.get(mac_text(name.mac), (name.first, name.last, 0))
            macs[mac_text(name.mac)] = min(first, name.first), max(last, name.last), count + 1
    return {
        "names": [name_row(name) for name in own if name.name][:MOST],
        "name": engine.names().get(key),
        "macs": [
            {"mac": mac, "first": first / SECOND, "last": last / SECOND, "seen": seen}
            for mac, (first, last, seen) in macs.items()
        ],
        "users": sorted({name.user for name in own if name.user}),
        "dns": {
            "asked": _asked_for(beside, question, key),
            "of": sorted({name.name for name in own if name.source == "dns"})[:MOST],
        },
        "alerts": [alert_row(alert) for alert in beside.alerts() if key in dict(alert.subject).values()][-MOST:],
    }


def _asked_for(beside: Beside, question: Question, key: str) -> list[dict[str, Any]]:
    inside = pl.col("time").is_between(question.first, question.end)
    own = beside.transactions().table.filter((pl.col("client") == key) & inside)
    made = own.group_by("name").agg(
        pl.len().alias("queries"),
        (pl.col("code") != "NOERROR").sum().alias("failed"),
        pl.col("time").max().alias("last"),
    )
    rows = made.sort("queries", "name", descending=[True, False]).head(MOST).iter_rows(named=True)
    return [{**row, "last": row["last"] / SECOND} for row in rows]
