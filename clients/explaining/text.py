"""A flow that was explained, as lines for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from topics.dns.text import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 40
FACTS = ("process", "pid", "user", "container", "pod", "station", "switch", "switch_port", "country", "as")


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield the lines."""
    yield told["summary"]
    yield f"  flow {told['id']}, from {_moment(told['first'])} to {_moment(told['last'])} UTC"
    for side, title in (("src", "Source"), ("dst", "Destination")):
        yield from _end(title, told["ends"][side])
    yield from _records(told["records"])
    yield from _observers(told)
    if told["duplicates"]:
        yield "Copies"
        yield from (f"  {text}" for text in told["duplicates"]["why"])
    if told["dns"]:
        yield "DNS that led to it"
    for each in told["dns"]:
        answers = " ".join(each["answers"][:4])
        asked = f"{readable(each['name'])} {each['type']} {each['code']} {answers}"
        yield f"  {_moment(each['time'])} {asked}, {each['before']:.3f} s before"
    if told["alerts"]:
        yield "Alerts"
    yield from (
        f"  {_moment(each['time'])} {each['severity']} {each['state']}: {each['summary']}" for each in told["alerts"]
    )
    for side, title in (("src", "source"), ("dst", "destination")):
        payload = told["payload"][side]
        if payload:
            yield f"Payload of the {title}, {payload['bytes']} of {payload['of']} bytes"
            yield f"  {payload['protocol']}: {payload['says']}" if payload["says"] else f"  {payload['text'][:200]}"
    yield "Fields"
    yield from (f"  {each['name']:<14} {each['text'][:60]:<24} {each['doc']}" for each in told["record"]["fields"])
    origin = told["merged_from"]
    many = f"{origin['records']} record{'s' * (origin['records'] != 1)}"
    yield f"Merged from {many}"
    for place in origin["kept"]:
        rows = ", ".join(map(str, place["rows"][:MOST]))
        yield f"  kept in {place['file']}" + f", row{'s' * (len(place['rows']) != 1)} {rows}" * bool(rows)
        yield from (
            f"  with offsets {first} to {last} of {source}" for source, (first, last) in place["offsets"].items()
        )


def _end(title: str, end: dict[str, Any]) -> Iterator[str]:
    port = f" port {end['port']}" if end["port"] else ""
    name = f", {readable(end['name'])}" if end["name"] else ""
    yield f"{title}: {end['address']}{port}{name}{', ' + end['mac'] if end['mac'] else ''}"
    for known in end["names"][:MOST]:
        user = f" ({known['user']})" if known["user"] else ""
        times = f"{_moment(known['first'])} to {_moment(known['last'])}"
        yield f"  {readable(known['name'])}{user} by {known['source']}, {times}"
    said = [f"{fact.replace('_', ' ')} {end[fact]}" for fact in FACTS if end[fact] not in {None, ""}]
    if said:
        yield f"  {', '.join(said)}"


def _records(records: list[dict[str, Any]]) -> Iterator[str]:
    yield f"Records ({len(records)})"
    counters = f"{'spkts':>7} {'dpkts':>7} {'sbytes':>9} {'dbytes':>9} {'lost':>5}"
    yield f"  {'start':<23} {'dur':>10} {'cause':<8} {counters} state"
    for each in records[:MOST]:
        yield (
            f"  {_moment(each['start'])} {each['dur']:>10.6f} {each['cause']:<8} {each['spkts']:>7} {each['dpkts']:>7} "
            f"{each['sbytes']:>9} {each['dbytes']:>9} {each['slost'] + each['dlost']:>5} {each['state']}"
        )


def _observers(told: dict[str, Any]) -> Iterator[str]:
    names = ["/".join(filter(None, (each["probe"], each["interface"]))) for each in told["observers"]]
    yield f"Seen by {', then '.join(names)}"
    yield from (f"  {text}" for text in told["differences"])


def _moment(seconds: float | None) -> str:
    if not seconds:
        return "-" * 23
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
