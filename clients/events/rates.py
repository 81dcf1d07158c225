"""Rates of interfaces for people, and what they say of the mirror port that a probe listens at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from processors.rates import Compared, InterfaceCounters, InterfaceRate, Link, SeenBytes, compared
from processors.rates.comparison import BLIND, DOUBLED, EXCESS, FINE, IDLE, PARTIAL
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from topics.events import EventRecord

SECOND = 1_000_000_000
BITS = 8
UNITS = ("", "K", "M", "G", "T")
HEADING = (
    f"{'StartTime':<15} {'Dur':>9} {'SrcId':<14} {'Device':<12} {'Interface':<14} {'InLoad':>10} {'OutLoad':>10} "
    f"{'InRate':>10} {'OutRate':>10} {'Errors':>7} {'Drops':>7}"
)
SEEN_HEADING = f" {'SeenLoad':>10} {'Seen':>6} Verdict"
MEANING = {
    BLIND: "nothing of it reaches the probe",
    PARTIAL: "some is missing: only one direction is mirrored, or more than the mirror port can carry",
    EXCESS: "some is mirrored twice, or another link as well",
    DOUBLED: "everything is mirrored twice",
}
_LINK = re.compile(r"(?:(?P<device>[^=]+):)?(?P<interface>[^=:]+)=(?P<seen>.+)")


def links_of(words: Sequence[str]) -> list[Link]:
    """Return the links that `[DEVICE:]INTERFACE=SEEN` words name; raises UsageError."""
    found = []
    for word in words:
        parts = _LINK.fullmatch(word)
        if parts is None:
            raise UsageError(f"option --link takes [DEVICE:]INTERFACE=SEEN, not '{word}'")
        found.append(Link(parts["device"] or "", parts["interface"], "" if parts["seen"] == "-" else parts["seen"]))
    return found


def print_rates(
    events: Iterable[EventRecord], flows: Sequence[str], links: Sequence[str], *, as_json: bool, epoch: bool
) -> int:
    """Print what interfaces carried, and with flow records what was seen of it; return how many lines there were."""
    known = links_of(links)
    if known and not flows:
        raise UsageError("option --link needs --flows: flow records to compare with")
    counters = InterfaceCounters()
    rates = [rate for event in events for rate in counters.learn(event)]
    found = compared(rates, seen_bytes(flows), known) if flows else []
    judged = {rate: each for each in found for rate in each.rates}
    if rates and not as_json:
        print(HEADING + (SEEN_HEADING if flows else ""))
    busy = {(rate.device, rate.interface) for rate in rates if any(rate.received + rate.sent)}
    for rate in rates:
        if not as_json and rate not in judged and (rate.device, rate.interface) not in busy:
            continue
        print(_object(rate, judged.get(rate)) if as_json else _line(rate, judged.get(rate), epoch=epoch))
    for each in () if as_json else said(found):
        print(each.text)
    return len(rates)


def seen_bytes(names: Iterable[str]) -> SeenBytes:
    """Return the bytes of flow records in files and directories, with the time that their probe was running."""
    from clients.reading.source_names import record_files
    from sinks.formats import open_reader

    seen = SeenBytes()
    for name in names:
        for file in record_files(name) if Path(name).is_dir() else [name]:
            for batch in open_reader(file):
                seen.add(batch)
            _cover(seen, Path(f"{file}.status.jsonl"))
    return seen


def _cover(seen: SeenBytes, statuses: Path) -> None:
    """Take the time from the statuses of a probe: where it saw nothing there are no records to tell of it."""
    from clients.audit.statuses import read_file

    if statuses.is_file():
        for status in read_file(statuses):
            if status.live:
                seen.cover(status.started, status.time)


class Said(NamedTuple):
    """A line about an interface, and whether all is well with it."""

    text: str
    is_fine: bool


def said(found: Sequence[Compared]) -> Iterator[Said]:
    """Yield what comparisons mean, a line for each place that is seen, or for each thing that is wrong with it."""
    places: dict[str, list[Compared]] = {}
    for each in found:
        places.setdefault(_place(each), []).append(each)
    for place, all_of_it in places.items():
        intervals = [each for each in all_of_it if each.verdict != IDLE]
        bad = [each for each in intervals if each.verdict != FINE]
        if intervals and not bad:
            yield Said(f"{place}: the probe saw what was counted, {_share(all_of_it)}", is_fine=True)
        for verdict, meaning in MEANING.items():
            if such := [each for each in bad if each.verdict == verdict]:
                times = f"{verdict} in {len(such)} of {len(intervals)} intervals"
                yield Said(f"{place}: {times}, the probe saw {_share(such)}: {meaning}", is_fine=False)


def _place(each: Compared) -> str:
    counted = " and ".join(f"{rate.device}:{rate.interface}" if rate.device else rate.interface for rate in each.rates)
    if each.seen is None or (len(each.rates) == 1 and counted == each.seen.interface):
        return counted
    return f"{counted} on {each.seen.interface or each.seen.probe}"


def _share(intervals: Sequence[Compared]) -> str:
    counted, observed = sum(each.counted for each in intervals), sum(each.observed for each in intervals)
    if not counted:
        return f"{observed:,.0f} bytes where none were counted"
    return f"{100 * observed / counted:.0f} % of {counted:,} bytes"


def _line(rate: InterfaceRate, judged: Compared | None, *, epoch: bool) -> str:
    from datetime import datetime

    start = rate.first / SECOND
    clock = f"{start:.6f}" if epoch else datetime.fromtimestamp(start).strftime("%H:%M:%S.%f")  # noqa: DTZ006 - local time, as ra shows it
    figures = [f"{_short(value / rate.seconds):>10}" for value in _bits(rate)]
    text = (
        f"{clock:<15} {rate.seconds:>9.3f} {rate.probe:<14} {rate.device:<12} {rate.interface:<14} {' '.join(figures)} "
        f"{rate.received[2] + rate.sent[2]:>7} {rate.received[3] + rate.sent[3]:>7}"
    )
    if judged is None:
        return text
    ratio = "" if judged.ratio is None else f"{100 * judged.ratio:.0f}%"
    return f"{text} {_short(BITS * judged.observed / rate.seconds):>10} {ratio:>6} {judged.verdict}"


def _short(value: float) -> str:
    """Return a number in thousands, millions, ... as `ra -H` does."""
    power = 0
    while value >= 1000 and power < len(UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3f}{UNITS[power]}" if power else f"{value:.1f}"


def _bits(rate: InterfaceRate) -> tuple[int, int, int, int]:
    return BITS * rate.received[0], BITS * rate.sent[0], rate.received[1], rate.sent[1]


def _object(rate: InterfaceRate, judged: Compared | None) -> str:
    names = ("in_bits_per_second", "out_bits_per_second", "in_packets_per_second", "out_packets_per_second")
    found: dict[str, Any] = {
        "start": rate.first / SECOND,
        "end": rate.last / SECOND,
        "site": rate.site,
        "probe": rate.probe,
        "device": rate.device,
        "interface": rate.interface,
        "speed": rate.speed,
        **{name: value / rate.seconds for name, value in zip(names, _bits(rate), strict=True)},
        "errors": rate.received[2] + rate.sent[2],
        "discards": rate.received[3] + rate.sent[3],
    }
    if judged is not None:
        seen = judged.seen.interface if judged.seen else ""
        found |= {"seen_on": seen, "counted_bytes": judged.counted, "seen_bytes": round(judged.observed)}
        found |= {"ratio": judged.ratio, "verdict": judged.verdict}
    return json.dumps(found, ensure_ascii=False)
