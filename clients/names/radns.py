"""`argosy radns`: DNS transactions, a line or a JSON object each. As Argus's radns, on whole messages."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from clients.options import Option, parse_or_help
from clients.reading.control_plane import under
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.options import Parsed
    from topics.dns import DnsBatch
    from topics.timerange import TimeRange

USAGE = "argosy radns -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS]"
SUMMARY = """\
Lists DNS transactions: query and answer of DNS, multicast DNS, LLMNR and NetBIOS names. Reads captures, payloads that
a probe kept (FILE.control.avro), what `argosy run` keeps (FILE.dns, or a directory) and topics.
Exit status: 0 when some transaction was listed, 1 when none was, 2 after an error."""
OPTIONS = (
    Option("-r", "FILE...", "captures, files of payloads (.control.avro) or of transactions (.dns)"),
    Option("-R", "DIR...", "all .dns files in directories"),
    Option("-S", "kafka://HOST/TOPIC", "follow a topic, argosy.dns.v1 for instance"),
    Option("-T", "SECONDS", "follow for so long (for ever)"),
    Option("-t", "RANGE", "asked within this time, as ra takes it"),
    Option("-n", "PATTERN", "names that match a regular expression, asked for or in an answer"),
    Option("-a", "ADDRESS", "of this client or server, or with this address in an answer"),
    Option("-u", "", "times as seconds since 1970"),
    Option("-M", "MODE...", "json: an object each; failed: those without a good answer; malformed: those with damage"),
    Option("-h --help", "", "this text"),
)
MODES = ("json", "failed", "malformed")
SECTIONS = ("question", "answer", "authority", "additional")
HEADING = f"{'StartTime':<15} {'Client':<22} {'Server':<22} {'Query':<40} {'Type':<6} {'Result':<9} {'ms':>8}  Answers"
WIDTHS = (22, 22, 40)  # of client, server and query
NO_MATCH = 1
MILLISECOND, SECOND = 1_000_000, 1_000_000_000
HEADER_BITS = {"aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "ad": 0x0020, "cd": 0x0010}

Transaction = dict[str, Any]


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    wanted, as_json = _wanted(parsed), "json" in parsed.words("-M")
    listed, widths = 0, list(WIDTHS)
    for transaction in _transactions(parsed):
        if not wanted(transaction):
            continue
        if not listed and not as_json:
            print(HEADING)
        listed += 1
        if as_json:
            print(json.dumps(transaction, ensure_ascii=False))
        else:
            print(_line(transaction, widths, epoch=parsed.count("-u") > 0))
    return 0 if listed else NO_MATCH


def _transactions(parsed: Parsed) -> Iterator[Transaction]:
    for batch in _batches(parsed):
        yield from described(batch)


def _batches(parsed: Parsed) -> Iterator[DnsBatch]:
    from clients.reading.control_plane import transactions

    if parsed.rest:
        raise UsageError(f"no filter is taken: '{parsed.expression}'; -n NAME and -a ADDRESS choose")
    names = [*parsed.words("-r"), *under(parsed.words("-R"), ".dns")]
    topic = parsed.word("-S")
    if not names and topic is None:
        raise UsageError("say what to read: -r FILE, -R DIR or -S kafka://HOST/TOPIC")
    for name in names:
        yield from transactions(name)
    if topic is not None:
        yield from _followed(topic, parsed.number("-T", 0, minimum=0))


def _followed(source: str, seconds: int) -> Iterator[DnsBatch]:
    from clients.reading.source_names import topic_address
    from topics.bus import Subscriber
    from topics.dns import decode_dns

    url, topic = topic_address(source)
    end = time.monotonic() + seconds if seconds else float("inf")
    with Subscriber(url, topic, decode=decode_dns, dead_letters=None) as subscriber:
        while time.monotonic() < end:
            for received in subscriber.receive(0.2):
                yield received.value


def described(batch: DnsBatch) -> Iterator[Transaction]:
    """Yield each transaction of a batch as a dictionary that JSON can hold."""
    import numpy as np

    from topics.address_text import ip_text
    from topics.dns import KINDS, heap_values
    from topics.dns.numbers import class_text, code_text, type_text
    from topics.dns.text import readable, subnet_text

    rows, edges = batch.transactions, np.searchsorted(batch.resources["transaction"], np.arange(len(batch) + 1))
    names, subnets, cookies = (heap_values(rows, batch.heap, name) for name in ("name", "client_subnet", "cookie"))
    records = list(_records(batch))
    for place, row in enumerate(rows):
        one = {name: row[name].item() for name in rows.dtype.names or () if row[name].ndim == 0 and name != "pad"}
        name, kind, answered = names[place].decode(), KINDS[one["kind"]], one["state"] & 2 > 0
        found: Transaction = {
            "time": one["time"] / SECOND,
            "client": ip_text(row["client"].tobytes()),
            "client_port": one["client_port"],
            "server": ip_text(row["server"].tobytes()),
            "server_port": one["server_port"],
            "transport": "tcp" if one["protocol"] == 6 else "udp",
            "kind": kind,
            "flow": row["flow_id"].tobytes().hex() if row["flow_id"].any() else None,
            "id": one["id"],
            "name": name,
            "type": type_text(one["record_type"], kind),
            "class": class_text(one["record_class"] & (0x7FFF if kind == "mdns" else 0xFFFF)),
            "result": code_text(one["rcode"]) if answered else "NOANSWER",
            "latency_ms": (one["answered"] - one["time"]) / MILLISECOND if one["state"] & 3 == 3 else None,
            "query_bytes": one["query_bytes"],
            "answer_bytes": one["answer_bytes"],
            "retries": one["retries"],
            "answer_messages": one["answers"],
            "flags": [
                bit for bit, mask in HEADER_BITS.items() if (one["flags"] if answered else one["query_flags"]) & mask
            ],
            "state": _states(one["state"]),
        }
        if (shown := readable(name)) != name:
            found["readable"] = shown
        if one["query_edns"] or one["edns"]:
            found["edns"] = {
                "version": max(one["query_edns"], one["edns"]) - 1,
                "udp_size": [one["query_udp_size"], one["udp_size"]],
                "do": [bool(one["dnssec"] & 1), bool(one["dnssec"] & 2)],
            }
            if subnets[place]:
                found["edns"]["client_subnet"] = subnet_text(subnets[place])
            if cookies[place]:
                found["edns"]["cookie"] = cookies[place].hex()
            if one["extended_error"]:
                found["edns"]["extended_error"] = one["extended_error"] - 1
        if one["query_error"] or one["error"]:
            found["malformed"] = [_error(one["query_error"]), _error(one["error"])]
        for section, record in records[edges[place] : edges[place + 1]]:
            found.setdefault(SECTIONS[section], []).append(record)
        yield found


def _records(batch: DnsBatch) -> Iterator[tuple[int, Transaction]]:
    from topics.dns import KINDS, heap_values
    from topics.dns.numbers import class_text, type_text
    from topics.dns.text import data_text

    resources = batch.resources
    names, data = (heap_values(resources, batch.resource_heap, name) for name in ("name", "data"))
    for place, row in enumerate(resources):
        kind = KINDS[int(batch.transactions["kind"][int(row["transaction"])])]
        number, group = int(row["record_type"]), int(row["record_class"]) & (0x7FFF if kind == "mdns" else 0xFFFF)
        record: Transaction = {
            "name": names[place].decode(),
            "type": type_text(number, kind),
            "class": class_text(group),
        }
        if row["section"]:
            record |= {"ttl": int(row["ttl"]), "data": data_text(0 if kind == "netbios" else number, data[place])}
        yield int(row["section"]), record


def _states(state: int) -> list[str]:
    from topics.dns import State

    return [str(each.name).lower() for each in State if state & each]


def _error(number: int) -> str | None:
    from topics.dns import Malformed

    return Malformed(number).name.lower() if number else None


def _line(found: Transaction, widths: list[int], *, epoch: bool) -> str:
    """Return a line; what is too long for its column makes that wider, in `widths`, for the lines to come."""
    from datetime import datetime

    clock = f"{found['time']:.6f}" if epoch else datetime.fromtimestamp(found["time"]).strftime("%H:%M:%S.%f")  # noqa: DTZ006 - local time, as ra shows it
    ends = [f"{found[side]}.{found[f'{side}_port']}" for side in ("client", "server")]
    latency = "" if found["latency_ms"] is None else f"{found['latency_ms']:.3f}"
    answers = " ".join(f"{record['type']}={record['data']}" for record in found.get("answer", [])[:8])
    more = len(found.get("answer", [])) - 8
    notes = [note for note in found["state"] if note not in {"query", "answer"}]
    notes += [f"retries={found['retries']}"] if found["retries"] else []
    notes += [f"malformed={'/'.join(filter(None, found['malformed']))}"] if "malformed" in found else []
    cells = [*ends, found.get("readable", found["name"])]
    widths[:2] = [max(width, len(end)) for width, end in zip(widths, ends, strict=False)]
    columns = " ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    text = f"{clock:<15} {columns} {found['type']:<6} "
    text += f"{found['result']:<9} {latency:>8}  {answers}{f' and {more} more' if more > 0 else ''}"
    return f"{text} [{' '.join(notes)}]" if notes else text.rstrip()


def _wanted(parsed: Parsed) -> Any:  # noqa: ANN401 - a function of a transaction
    modes, times = parsed.words("-M"), _times(parsed)
    for mode in modes:
        if mode not in MODES:
            raise UsageError(f"option -M takes {', '.join(MODES)}, not '{mode}'")
    pattern, address = _pattern(parsed.word("-n")), parsed.word("-a")

    def wanted(found: Transaction) -> bool:
        records = [record for section in SECTIONS for record in found.get(section, [])]
        if times is not None and not times.touches(*(2 * [round(found["time"] * SECOND)])):
            return False
        if "failed" in modes and found["result"] == "NOERROR" and "malformed" not in found:
            return False
        if "malformed" in modes and "malformed" not in found:
            return False
        if pattern is not None:
            texts = [
                found["name"],
                found.get("readable", ""),
                *(f"{each['name']} {each.get('data', '')}" for each in records),
            ]
            if not any(pattern.search(text) for text in texts):
                return False
        ends = {found["client"], found["server"], *(record.get("data") for record in records)}
        return address is None or address in ends

    return wanted


def _times(parsed: Parsed) -> TimeRange | None:
    from topics import timerange

    text = parsed.word("-t")
    return None if text is None else timerange.parse(text)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"option -n: '{text}' is no regular expression: {error}") from None
