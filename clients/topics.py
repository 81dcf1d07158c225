"""`argosy topics`: create the topics, list them, look at what they carry."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from clients.options import Option, Parsed, parse_or_help
from topics.definitions import CONTROL, DEAD_LETTERS, FLOW_STATUS, FLOWS, OBSERVATIONS, PROBES, TOPICS
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from topics.batch import FlowBatch
    from topics.control import ControlBatch
    from topics.dead_letters import DeadLetter
    from topics.probe_status import ProbeStatus

    Carried = FlowBatch | ControlBatch | DeadLetter | ProbeStatus

USAGE = "argosy topics create | list | tail TOPIC | acl ROLE [--bus kafka://HOST:PORT] [OPTIONS]"
SUMMARY = """\
create  make the topics that are missing; those that exist stay as they are
list    show all topics: partitions, how long they keep what, what they carry
tail    print the records of a topic as they come, one JSON object a line
acl     allow a principal what a role needs: probe, worker, names, observers, alerts, sink, reader (tail, audit)
        or admin"""
OPTIONS = [
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT] (default: $ARGOSY_BUS)"),
    Option("--partitions", "N", "create: partitions of each topic, instead of its own number"),
    Option("--replication", "N", "create: brokers that hold each partition (default 1)"),
    Option("-n", "N", "tail: stop after N records"),
    Option("--from-beginning", "", "tail: begin with the oldest record there is"),
    Option("--until-idle", "SECONDS", "tail: stop when nothing came for so long"),
    Option("--principal", "NAME", "acl: who is allowed it, as User:NAME; without it, the rights are only shown"),
    Option("--host", "ADDRESS", "acl: from which host (default: any)"),
    Option("-h --help", "", "this text"),
]
ACTIONS = ("create", "list", "tail", "acl")
RECEIVE_SECONDS = 0.2
Message = TypeVar("Message")
WITH_WORD = {"tail": "one topic", "acl": "one role"}
SHOWN = (
    *("time", "protocol", "src_port", "dst_port", "vlan", "flags"),
    *("stream", "stream_offset", "missing", "wire_length"),
)
TAILED = (FLOW_STATUS, FLOWS, OBSERVATIONS, CONTROL, PROBES, DEAD_LETTERS)


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    action = parsed.rest[0] if parsed.rest else ""
    if action not in ACTIONS:
        raise UsageError(
            f"unknown action '{action}'{suggestion(action, ACTIONS) or ': say create, list, tail TOPIC or acl ROLE'}"
        )
    words = parsed.rest[1:]
    if len(words) != (action in WITH_WORD):
        needed = WITH_WORD.get(action)
        raise UsageError(f"argosy topics {action} takes {needed}" if needed else f"unknown word '{words[0]}'")
    if action == "acl" and not parsed.count("--principal"):
        return _show_rights(words[0])
    bus = parsed.word("--bus") or os.environ.get("ARGOSY_BUS")
    if not bus:
        raise UsageError("say where Kafka is: --bus kafka://HOST:PORT, or ARGOSY_BUS in the environment")
    if action == "create":
        _create(bus, parsed)
    elif action == "list":
        _list(bus)
    elif action == "acl":
        _grant(bus, words[0], parsed)
    else:
        _tail(bus, words[0], parsed)
    return 0


def _role(word: str) -> str:
    from topics.bus.rights import ROLES

    if word not in ROLES:
        raise UsageError(f"unknown role '{word}'{suggestion(word, ROLES) or ': say ' + ', '.join(ROLES)}")
    return word


def _show_rights(word: str) -> int:
    from topics.bus.rights import lines

    print("\n".join(lines(_role(word))))
    return 0


def _grant(bus: str, word: str, parsed: Parsed) -> None:
    from topics.bus.rights import grant, lines

    principal = parsed.word("--principal") or ""
    grant(bus, _role(word), principal, parsed.word("--host") or "*")
    for line in lines(word):
        print(f"{principal}: {line}")


def _create(bus: str, parsed: Parsed) -> None:
    from topics.bus import create_topics

    partitions = parsed.number("--partitions", 0, minimum=1) or None
    replication = parsed.number("--replication", 1, minimum=1)
    created = create_topics(bus, TOPICS, partitions=partitions, replication=replication)
    for definition in TOPICS:
        print(f"{definition.name:<24} {'created' if definition.name in created else 'exists'}")


def _list(bus: str) -> None:
    from topics.bus.administration import metadata

    found = metadata(bus).topics
    print(f"{'TOPIC':<24} {'PARTITIONS':>10} {'KEPT':>6}  CARRIES")
    for definition in TOPICS:
        partitions = str(len(found[definition.name].partitions)) if definition.name in found else "absent"
        kept = "latest" if definition.compacted else _period(definition.retention_hours)
        print(f"{definition.name:<24} {partitions:>10} {kept:>6}  {definition.message}, by {definition.key}")


def _period(hours: int) -> str:
    return f"{hours} h" if hours < 24 else f"{hours // 24} d"


def _tail(bus: str, topic: str, parsed: Parsed) -> None:
    names = [definition.name for definition in TAILED]
    if topic not in names:
        raise UsageError(f"no records can be shown of topic '{topic}'{suggestion(topic, names)}")
    from topics.bus import Subscriber

    most = parsed.number("-n", sys.maxsize, minimum=1)
    idle = parsed.number("--until-idle", 0, minimum=1)
    decode = _decoder(topic)
    from_beginning = bool(parsed.count("--from-beginning"))
    with Subscriber(bus, topic, decode=decode, from_beginning=from_beginning, dead_letters=None) as subscriber:
        for messages in until_idle(subscriber.receive, idle):
            for message in messages:
                lines = _lines(message.value)[:most]
                most -= len(lines)
                sys.stdout.writelines(lines)
            sys.stdout.flush()
            if most <= 0:
                break


def until_idle(
    receive: Callable[[float], list[Message]], idle: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[list[Message]]:
    """Yield what comes until nothing came for `idle` seconds, for ever with 0.

    A turn in which nothing came is not idleness: a subscriber returns without messages at the end of each partition.
    """
    last = clock()
    while not idle or clock() - last < idle:
        if messages := receive(RECEIVE_SECONDS):
            yield messages
            last = clock()


def _decoder(topic: str) -> Callable[[bytes], Carried]:
    from topics.bus import decode_message
    from topics.control import decode_control
    from topics.dead_letters import read_dead_letter
    from topics.probe_status import read_probe_status

    readers: dict[str, Callable[[bytes], Carried]] = {
        CONTROL.name: decode_control,
        DEAD_LETTERS.name: read_dead_letter,
        PROBES.name: read_probe_status,
    }
    return readers.get(topic, decode_message)


def _lines(value: Carried) -> list[str]:
    """Return what a message holds, a JSON object a line."""
    from topics.control import ControlBatch
    from topics.dead_letters import DeadLetter
    from topics.probe_status import ProbeStatus

    if isinstance(value, ProbeStatus):
        return [value.json_line]
    if isinstance(value, ControlBatch):
        return [_payload_line(value, row) for row in range(len(value))]
    if isinstance(value, DeadLetter):
        return [json.dumps(asdict(value) | {"value": value.value.hex()}) + "\n"]
    if not len(value):
        return []
    import polars as pl

    from sinks.formats.readable import readable
    from topics.frame import to_arrow

    return readable(pl.DataFrame(to_arrow(value))).write_ndjson().splitlines(keepends=True)


def _payload_line(batch: ControlBatch, row: int) -> str:
    from topics.address_text import IP_ETHERTYPES, ip_text, mac_text

    record = batch.records[row]
    text = ip_text if record["ethertype"] in IP_ETHERTYPES else mac_text
    named = {"site": batch.site, "probe": batch.probe, "interface": batch.interface, "kind": batch.kind(row)}
    ends = {name: text(record[name].tobytes()) for name in ("src_address", "dst_address")}
    plain = {name: int(record[name]) for name in SHOWN}
    return json.dumps(named | ends | plain | {"payload": batch.payload(row).hex()}) + "\n"
