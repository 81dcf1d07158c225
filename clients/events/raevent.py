"""`argosy raevent`: events, a line with their tables or a JSON object each. As Argus's raevent, with types."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clients.options import Option, parse_or_help
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Parsed
    from topics.events import EventRecord

USAGE = "argosy raevent -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS] [- FILTER]"
SUMMARY = """\
Lists events: what programs, files, hosts, devices, logs and intrusion detection systems told a probe. FILTER is as
that of ra, asked of each row: tcp and dst port 443 and user = ann; value gt 10 and name ~ Retrans; any column counts.
Exit status: 0 when some event was listed, 1 when none was, 2 after an error."""
OPTIONS = (
    Option("-r", "FILE...", "files of events (.events), or of alerts (EVE, .json)"),
    Option("-R", "DIR...", "all .events files in directories"),
    Option("-S", "kafka://HOST/TOPIC", "follow a topic, argosy.events.v1 for instance"),
    Option("-T", "SECONDS", "follow for so long (for ever)"),
    Option("-t", "RANGE", "asked within this time, as ra takes it"),
    Option("--kind", "KIND...", "of these kinds: generic, lsof, snmp, syslog, ids, vmstat, netstat, load, disk, wifi"),
    Option("--status", "STATUS...", "that went so: ok, failed, timeout, flooded, unreadable"),
    Option("--source", "PATTERN", "of sources that match a regular expression"),
    Option("-e", "NAME", "of this probe"),
    Option("-n", "PATTERN", "with a text or number that matches a regular expression, in a row or in the output;\n"
                            "only such rows are listed"),
    Option("-a", "ADDRESS", "with this address; only such rows are listed"),
    Option("--id", "COMMUNITY-ID", "alerts of this flow (`argosy ra -s communityid` prints it)"),
    Option("-u", "", "times as seconds since 1970"),
    Option("-M", "MODE...", "json: an object an event; rows: an object a row, with what it belongs to;\n"
                            "rates: what interfaces carried between two looks at them; rates json"),
    Option("--flows", "FILE...", "with -M rates: what flow records (files, directories) saw on these interfaces"),
    Option("--link", "[DEVICE:]INTERFACE=SEEN...", "with -M rates: an interface whose traffic is mirrored, and the\n"
                                                   "probe's interface SEEN that gets it (- for one without name)"),
    Option("-h --help", "", "this text"),
)  # fmt: skip
MODES: tuple[set[str], ...] = (set(), {"json"}, {"rows"}, {"rates"}, {"rates", "json"})
STATUSES = ("ok", "failed", "timeout", "flooded", "unreadable")
HEADING = f"{'StartTime':<15} {'Dur':>9} {'SrcId':<18} {'Kind':<8} {'Status':<10} Source"
NO_MATCH = 1
SECOND = 1_000_000_000
WIDEST = 40
ADDRESSES, MACS = {"local", "remote", "address", "sender", "source", "destination"}, {"mac"}
TIMES = {"time", "received", "opened"}

Described = dict[str, Any]
Test = Callable[[Described, Described], bool]


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    modes = set(parsed.words("-M"))
    if modes not in MODES:
        raise UsageError(f"option -M takes json, rows or rates, not '{' '.join(parsed.words('-M'))}'")
    if "rates" in modes:
        return _rates(parsed, as_json="json" in modes)
    mode = modes.pop() if modes else ""
    wanted, narrowed = _wanted(parsed), _narrowed(parsed)
    listed = 0
    for event in _events(parsed):
        if not wanted(event) or (found := narrowed(described(event))) is None:
            continue
        if not listed and not mode:
            print(HEADING)
        listed += 1
        _print(found, mode, epoch=parsed.count("-u") > 0)
    return 0 if listed else NO_MATCH


def _rates(parsed: Parsed, *, as_json: bool) -> int:
    """Print the rates of interfaces, of events that are wanted and rows that a filter lets through."""
    from clients.events.rates import print_rates

    if parsed.word("-S") is not None and not parsed.number("-T", 0, minimum=0):
        raise UsageError("option -S: say with -T for how long; rates are told at the end")
    wanted, tests = _wanted(parsed), _tests(parsed)
    events = (_with_rows(event, tests) for event in _events(parsed) if wanted(event))
    count = print_rates(events, parsed.words("--flows"), parsed.words("--link"), as_json=as_json,
                        epoch=parsed.count("-u") > 0)  # fmt: skip
    return 0 if count else NO_MATCH


def _with_rows(event: EventRecord, tests: list[Test]) -> EventRecord:
    """Return an event with those interfaces only that are wanted."""
    if not tests or not event.body or "interfaces" not in event.body:
        return event
    found, table = described(event), {"table": "interfaces"}
    pairs = zip(event.body["interfaces"], found["body"]["interfaces"], strict=True)
    kept = [row for row, shown in pairs if all(test(table | shown, found) for test in tests)]
    return replace(event, body=event.body | {"interfaces": kept})


def _events(parsed: Parsed) -> Iterator[EventRecord]:
    topic = parsed.word("-S")
    if not parsed.words("-r") and not parsed.words("-R") and topic is None:
        raise UsageError("say what to read: -r FILE, -R DIR or -S kafka://HOST/TOPIC")
    from clients.reading.event_files import events_of

    yield from events_of([*parsed.words("-r"), *parsed.words("-R")])
    if topic is not None:
        yield from _followed(topic, parsed.number("-T", 0, minimum=0))


def _followed(source: str, seconds: int) -> Iterator[EventRecord]:
    from clients.reading.source_names import topic_address
    from topics.bus import Subscriber
    from topics.events import decode_event

    url, topic = topic_address(source)
    end = time.monotonic() + seconds if seconds else float("inf")
    with Subscriber(url, topic, decode=decode_event, dead_letters=None) as subscriber:
        while time.monotonic() < end:
            for received in subscriber.receive(0.2):
                yield received.value


def _wanted(parsed: Parsed) -> Callable[[EventRecord], bool]:
    from topics import timerange
    from topics.events import KINDS

    kinds, statuses = _known(parsed, "--kind", KINDS), _known(parsed, "--status", STATUSES)
    text, probe = parsed.word("-t"), parsed.word("-e")
    times = None if text is None else timerange.parse(text)
    source = _pattern(parsed, "--source")
    if parsed.count("--id"):
        kinds = {"ids"}

    def is_wanted(event: EventRecord) -> bool:
        if (kinds and event.kind not in kinds) or (statuses and event.status not in statuses):
            return False
        if (probe is not None and event.probe != probe) or (source and not source.search(event.source)):
            return False
        return times is None or times.takes(event.started, event.ended)

    return is_wanted


def _known(parsed: Parsed, name: str, words: tuple[str, ...]) -> set[str]:
    from topics.nearest import suggestion

    for word in parsed.words(name):
        if word not in words:
            raise UsageError(f"option {name}: unknown '{word}'{suggestion(word, words)}")
    return set(parsed.words(name))


def _pattern(parsed: Parsed, name: str) -> re.Pattern[str] | None:
    text = parsed.word(name)
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise UsageError(f"option {name}: '{text}' is no regular expression ({error})") from None


def _narrowed(parsed: Parsed) -> Callable[[Described], Described | None]:
    """Return what leaves only the rows that were asked for, and None of an event that has none of them."""
    tests = _tests(parsed)
    if not tests:
        return lambda found: found

    def narrow(found: Described) -> Described | None:
        body = {name: _rows(name, value, found, tests) for name, value in found["body"].items()}
        if any(isinstance(value, list | dict) and value for value in body.values()):
            return found | {"body": body}
        told = {name: value for name, value in found["body"].items() if not isinstance(value, list | dict)}
        told |= {"output": found["output"]} if "output" in found else {}
        has_rows = any(isinstance(value, list | dict) and value for value in found["body"].values())
        return None if has_rows or not all(test(told, found) for test in tests) else found | {"body": body}

    return narrow


def _tests(parsed: Parsed) -> list[Test]:
    """Return what a row of an event has to meet, all of it."""
    from clients.events.event_filter import event_filter

    pattern, community = _pattern(parsed, "-n"), parsed.word("--id")
    address = _address(parsed.word("-a"))
    tests: list[Test] = []
    if asks := event_filter(parsed.expression) if parsed.rest else None:
        tests.append(asks)
    tests += [functools.partial(_has, text) for text in (community, address) if text is not None]
    if pattern is not None:
        tests.append(lambda row, _: any(pattern.search(str(value)) for value in row.values()))
    return tests


def _has(text: str, row: Described, _: Described) -> bool:
    return text in map(str, row.values())


def _rows(name: str, value: Any, found: Described, tests: list[Test]) -> Any:  # noqa: ANN401 - a table, a mapping or a number
    table = {"table": name}
    if isinstance(value, list):
        return [row for row in value if all(test(table | row, found) for test in tests)]
    if isinstance(value, dict):
        return {
            key: each
            for key, each in value.items()
            if all(test(table | {"name": key, "value": each}, found) for test in tests)
        }
    return value


def _address(word: str | None) -> str | None:
    from ipaddress import ip_address

    try:
        return None if word is None else str(ip_address(word))
    except ValueError:
        raise UsageError(f"option -a takes an address, not '{word}'") from None


def described(event: EventRecord) -> Described:
    """Return an event as a dictionary that JSON can hold: times in seconds, addresses as text."""
    found: Described = {
        "start": event.started / SECOND,
        "end": event.ended / SECOND,
        "site": event.site,
        "probe": event.probe,
        "boot_id": event.boot_id,
        "sequence": event.sequence,
        "kind": event.kind,
        "source": event.source,
        "status": event.status,
        "size": event.size,
    }
    extras = {"exit_status": event.exit_status, "reason": event.reason, "errors": event.errors, "missed": event.missed,
              "part": event.part}  # fmt: skip
    found |= {name: value for name, value in extras.items() if value}
    found["body"] = {name: _plain(name, value) for name, value in (event.body or {}).items()}
    if event.output:
        found["output"] = event.text
    return found


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - as the schema has it
    from topics.address_text import ip_text

    if isinstance(value, list):
        return [{key: _plain(key, each) for key, each in row.items()} for row in value]
    if isinstance(value, bytes):
        if name in MACS:
            return value.hex(":")
        return ip_text(value) if any(value) else "*"
    if name in TIMES and isinstance(value, int):
        return value / SECOND
    return value


def json_line(found: Described) -> str:
    """Return a described event as JSON, in a line."""
    return json.dumps(found, ensure_ascii=False)


def _print(found: Described, mode: str, *, epoch: bool) -> None:
    if mode == "json":
        print(json_line(found))
    elif mode == "rows":
        head = {name: found[name] for name in ("start", "probe", "source", "kind")}
        for name, value in found["body"].items():
            for row in value if isinstance(value, list) else ():
                print(json_line(head | {"table": name} | row))
    else:
        print("\n".join(_lines(found, epoch=epoch)))


def _lines(found: Described, *, epoch: bool) -> Iterator[str]:
    from datetime import datetime

    start = found["start"]
    clock = f"{start:.6f}" if epoch else datetime.fromtimestamp(start).strftime("%H:%M:%S.%f")  # noqa: DTZ006 - local time, as ra shows it
    reason = f"  ({found['reason']})" if found.get("reason") else ""
    yield (
        f"{clock:<15} {found['end'] - start:>9.6f} {found['probe']:<18} {found['kind']:<8} {found['status']:<10} "
        f"{readable(found['source'])}{readable(reason)}"
    )
    for name, value in found["body"].items():
        if isinstance(value, list):
            yield from _table(name, value)
        elif isinstance(value, dict):
            yield from (f"    {readable(key)}={readable(str(each))}" for key, each in value.items())
        elif value not in ("", 0):
            yield f"    {name}={readable(str(value))}"
    if "output" in found and found["body"].get("format") != "binary":
        yield from (f"    {readable(line)}" for line in found["output"].splitlines())
    elif "output" in found:
        yield f"    {found['size']} bytes that are no text"


def _table(name: str, rows: list[Described]) -> Iterator[str]:
    """Yield rows in columns; those that are empty in all of them are left out."""
    if not rows:
        return
    empty: tuple[object, ...] = ("", 0, "*", {})
    columns = [column for column in rows[0] if any(row[column] not in empty for row in rows)]
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    yield f"    {name}:"
    for line in ([*columns], *cells):
        yield "      " + " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    text = readable(f"{value:.6f}" if isinstance(value, float) else str(value))
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "*"


def readable(text: str) -> str:
    """Return text without what would move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
