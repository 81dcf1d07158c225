"""Flows as rows of a table: values for programs and text for people, from columns in memory where these have it all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from clients.web.columns.prepared import DOMAIN_OF
from clients.web.flows.ordering import PLAIN
from clients.web.traffic.series import SECOND
from topics.fields.columns import WITH_PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.web.columns.prepared import Prepared
    from clients.web.flows.ordering import Place
    from topics.fields import Field

QUICK = {*PLAIN, *DOMAIN_OF, "dur"}
TIMES = {"stime", "ltime"}
NEAR = 4096  # rows that lie so close are read together
MICROSECOND = 1000


def rows(places: list[Place], fields: Sequence[Field], zone: str) -> list[dict[str, Any]]:
    """Return flows with `id`, `at`, `values` and `text`; raises InputError."""
    names = [known.name for known in fields]
    if set(names) <= QUICK:
        found = [[_quick(place, name) for name in names] for place in places]
        texts = [[_text(name, value, zone) for name, value in zip(names, row, strict=True)] for row in found]
        _without_ports(places, fields, zone, texts)
    else:
        found, texts = _read(places, fields, zone)
    return [
        {"id": place.file.flow_ids[place.row].as_py().hex(), "at": at(place), "values": values, "text": text}
        for place, values, text in zip(places, found, texts, strict=True)
    ]


def _without_ports(places: list[Place], fields: Sequence[Field], zone: str, texts: list[list[str]]) -> None:
    """Write what stands in place of ports in flows that have none, as ra prints it."""
    chosen = [number for number, known in enumerate(fields) if known.name in {"sport", "dport"}]
    some = [number for number, each in enumerate(places) if _one(each.file, "protocol", each.row) not in WITH_PORTS]
    if not chosen or not some:
        return
    _, told = _read([places[number] for number in some], [fields[number] for number in chosen], zone)
    for number, text in zip(some, told, strict=True):
        for place, part in zip(chosen, text, strict=True):
            texts[number][place] = part.strip()


def at(place: Place) -> str:
    """Return where a flow is, for who asks for it again."""
    return f"{place.file.key.partition('.')[0]}-{place.row_of_file}"


def _quick(place: Place, name: str) -> Any:  # noqa: ANN401 - a number or text
    file, row = place
    if name == "dur":
        return int(file.columns["last_seen"][row] - file.columns["start"][row]) / SECOND
    if name in DOMAIN_OF:
        return file.words[DOMAIN_OF[name]][int(_one(file, name, row))] or None
    value = sum(_one(file, own, row) for own in PLAIN[name])
    if name in TIMES:
        return int(value) / SECOND
    return round(float(value), 6) if name == "tcprtt" else int(value)


def _one(file: Prepared, name: str, row: int) -> Any:  # noqa: ANN401 - a number
    column = file.column(name)
    return column[row if len(column) == file.rows else 0].item()


def _text(name: str, value: Any, zone: str) -> str:  # noqa: ANN401 - a number or text
    if value is None:
        return ""
    if name in TIMES:
        return time_text(value, zone)
    return f"{value:.6f}" if name in {"dur", "tcprtt"} else str(value)


def time_text(seconds: float, zone: str) -> str:
    """Return the time of day as ra prints it, in a zone."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    return f"{moment:%H:%M:%S.%f}"


def _read(places: list[Place], fields: Sequence[Field], zone: str) -> tuple[list[list[Any]], list[list[str]]]:
    """Return values and texts of flows out of their files."""
    by_file: dict[str, list[int]] = {}
    for number, place in enumerate(places):
        by_file.setdefault(place.file.name, []).append(number)
    values: list[list[Any]] = [[] for _ in places]
    texts: list[list[str]] = [[] for _ in places]
    for name, numbers in by_file.items():
        for some in _near(numbers, places):
            wanted = [places[each].row_of_file for each in some]
            for number, (row, text) in zip(some, _of_file(name, wanted, fields, zone), strict=True):
                values[number], texts[number] = row, text
    return values, texts


def _near(numbers: list[int], places: list[Place]) -> list[list[int]]:
    """Return the numbers of flows in groups of those that lie close together in their file."""
    groups: list[list[int]] = []
    for number in sorted(numbers, key=lambda each: places[each].row_of_file):
        if groups and places[number].row_of_file - places[groups[-1][-1]].row_of_file < NEAR:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _of_file(name: str, wanted: list[int], fields: Sequence[Field], zone: str) -> list[tuple[list[Any], list[str]]]:
    frame = records(name, wanted, {column for known in fields for column in _needed(known)})
    found = frame.select(value_of(known).alias(f"v{place}") for place, known in enumerate(fields))
    shown = frame.select(_shown(known).alias(f"t{place}") for place, known in enumerate(fields))
    texts = [[text or "" for text in row] for row in shown.rows()]
    values = [list(row) for row in found.rows()]
    for place, known in enumerate(fields):
        if known.format.holds == "time":
            for row, text in zip(values, texts, strict=True):
                text[place] = time_text(row[place], zone) if row[place] is not None else ""
    return list(zip(values, texts, strict=True))


def records(name: str, wanted: list[int], columns: set[str]) -> pl.DataFrame:
    """Return some rows of a file, with some columns of topics/frame.py; raises InputError."""
    from sinks.formats.scan import SCHEMA, reading, scan

    first = min(wanted)
    chosen = [column for column in SCHEMA if column in columns] or ["protocol"]
    with reading([name]):
        frame = scan([name]).slice(first, max(wanted) - first + 1).select(chosen).collect()
    return frame[np.array(wanted) - first].with_columns(
        pl.lit(0, pl.UInt32).alias("rank"), pl.lit(0, pl.Int64).alias("origin")
    )


def _needed(known: Field) -> set[str]:
    from topics.fields import Style

    return {
        *known.value().meta.root_names(),
        *(() if known.name in {"sname", "dname"} else known.text(Style()).meta.root_names()),
    }


def value_of(known: Field) -> pl.Expr:
    """Return the value of a field as pages have it: times and durations in seconds, bytes in hexadecimal."""
    value = known.value()
    if known.format.holds == "time":
        return value.cast(pl.Int64) / SECOND
    if known.format.holds == "bytes":
        return value.bin.encode("hex").str.slice(0, 2048)
    return value / known.format.scale if known.format.scale != 1 else value


def _shown(known: Field) -> pl.Expr:
    from topics.fields import Style

    if known.name in {"sname", "dname"}:
        return known.value()
    if known.format.holds == "time":
        return pl.lit("")
    return known.text(Style(port_names=False, payload="obfuscate"))
