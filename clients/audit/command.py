"""The command: gathers the accounts, prints them, and says where numbers part."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.audit.ledger import Account, Stage
from clients.audit.statuses import FOREVER, STATUS_FILE, Choice, latest, once, read_file, span
from clients.options import Option, Parsed, parse_or_help
from topics.definitions import FLOW_STATUS, FLOWS, PROBES
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clients.audit.ledger import Who
    from topics.batch import FlowBatch
    from topics.probe_status import ProbeStatus

GROUP = "argosy-merge"
USAGE = "argosy audit [--bus kafka://HOST:PORT] [--data DIR...] [--url DATABASE...] [OPTIONS]"
SUMMARY = """\
Follows the packets of each probe from the interface to the sinks: seen, read, reported, published, received, merged,
kept. Exit status 1 when numbers part without a known cause, with the stage where they do. A directory that `argosy run`
filled is audited without Kafka."""
OPTIONS = [
    Option("--bus", "URL", "Kafka: kafka://HOST:PORT[,HOST:PORT] (default: $ARGOSY_BUS)"),
    Option("--data", "DIR...", "directories of a file sink, or of argosy run"),
    Option("--url", "URL...", "databases of a SQL sink"),
    Option("--probe", "NAME", "only this probe"),
    Option("--since", "TIME", "only runs that saw packets after it, as 2026-03-10T09:00 (UTC)"),
    Option("--until", "TIME", "only runs that saw packets before it"),
    Option("--group", "NAME", f"group of the workers (default {GROUP})"),
    Option("--input", "TOPIC", f"topic of status records (default {FLOW_STATUS.name})"),
    Option("--output", "TOPIC", f"topic of flows (default {FLOWS.name})"),
    Option("--probes", "TOPIC", f"topic of what probes say of themselves (default {PROBES.name})"),
    Option("-h --help", "", "this text"),
]
NANOSECONDS = 1_000_000_000


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"unknown word '{parsed.rest[0]}': argosy audit takes options only")
    choice = Choice(parsed.word("--probe") or "", _time(parsed, "--since", 0), _time(parsed, "--until", FOREVER))
    directories = [Path(word) for word in parsed.words("--data")]
    bus = parsed.word("--bus") or ("" if directories else os.environ.get("ARGOSY_BUS", ""))
    if not bus and not directories:
        raise UsageError("say what to audit: --bus kafka://HOST:PORT, or --data DIR of argosy run")
    accounts, lines = _of_bus(parsed, bus, choice) if bus else (_of_directories(directories, choice), [])
    if not accounts:
        print("no probe has said anything that is to be audited")
        return 0
    for where in (*map(str, directories), *parsed.words("--url")):
        _add_kept(accounts, where)
    return _report(accounts.values(), lines)


def _time(parsed: Parsed, name: str, default: int) -> int:
    text = parsed.word(name)
    if text is None:
        return default
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"option {name} takes a time as 2026-03-10T09:00, not '{text}'") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp()) * NANOSECONDS + when.microsecond * 1000


def _of_directories(directories: list[Path], choice: Choice) -> dict[Who, Account]:
    accounts: dict[Who, Account] = {}
    statuses = [status for directory in directories for status in read_file(directory / STATUS_FILE)]
    for status in once(latest(statuses, choice)):
        accounts.setdefault((status.site, status.probe), Account((status.site, status.probe))).statuses.append(status)
    return accounts


def _of_bus(parsed: Parsed, bus: str, choice: Choice) -> tuple[dict[Who, Account], list[str]]:
    """Read the topics; return the accounts, and lines about what belongs to nobody."""
    from clients.audit import topics

    said = topics.probe_statuses(bus, parsed.word("--probes") or PROBES.name)
    chosen = latest(said, choice)
    owners = {(each.site, name): (each.site, each.probe) for each in chosen for name in _names(each)}
    runs = {(each.site, name, each.boot_id + n) for each in chosen for name in _names(each) for n in range(each.runs)}
    known = {(each.site, name, each.boot_id + n) for each in said for name in _names(each) for n in range(each.runs)}
    everything = choice == Choice(choice.probe)

    def takes(batch: FlowBatch) -> bool:
        source = batch.site, batch.probe, batch.boot_id
        if source in known:
            return source in runs
        return everything and choice.probe in ("", batch.probe)

    group = parsed.word("--group") or GROUP
    received, unread = topics.received(bus, parsed.word("--input") or FLOW_STATUS.name, group, takes)
    merged, unread_flows = topics.merged(bus, parsed.word("--output") or FLOWS.name, takes)
    accounts: dict[Who, Account] = {}
    for status in chosen:
        who = status.site, status.probe
        accounts.setdefault(who, Account(who)).statuses.append(status)
    for source, found in received.items():
        who = owners.get(source, source)
        account = accounts.setdefault(who, Account(who))
        account.receive(found)
    for source, flows in merged.items():
        who = owners.get(source, source)
        accounts.setdefault(who, Account(who)).merge(flows.amount(), flows.distinct(), (flows.first, flows.last))
    lines = [f"{unread} messages of status records cannot be read; see the dead letters"] if unread else []
    return accounts, lines + ([f"{unread_flows} messages of flows cannot be read"] if unread_flows else [])


def _names(status: ProbeStatus) -> set[str]:
    return {status.probe, *(each.probe for each in status.interfaces)}


def _add_kept(accounts: dict[Who, Account], where: str) -> None:
    """Look up what a directory or database holds of the probes, of flows from the time they were seen."""
    from clients.audit.kept import in_database, in_files

    is_directory = Path(where).is_dir()
    name = _display(where, is_directory=is_directory)
    for account in accounts.values():
        first, last = account.flow_span or _status_span(account)
        found = in_files(Path(where), first, last) if is_directory else in_database(where, first, last)
        names = {(account.who[0], each) for status in account.statuses for each in _names(status)} or {account.who}
        account.keep(name, [amount for who, amount in found.items() if who in names])


def _status_span(account: Account) -> tuple[int, int]:
    spans = [span(status) for status in account.statuses]
    return min((first for first, _ in spans), default=0), max((last for _, last in spans), default=FOREVER)


def _display(where: str, *, is_directory: bool) -> str:
    if is_directory:
        return where
    from sinks.sql.address import display_name, parse

    return display_name(parse(where))


def _report(accounts: Iterable[Account], lines: list[str]) -> int:
    status = 0
    for account in accounts:
        print(f"{'/'.join(word for word in account.who if word) or 'unnamed'}")
        stages = account.stages()
        width = max(12, *(len(stage.name) + 1 for stage in stages)) if stages else 12
        print(f"  {'stage':<{width}}{'packets':>16}{'records':>14}{'flows':>12}")
        for stage in stages:
            _print_stage(stage, width)
        parted = next((stage for stage in stages if stage.parts), None)
        status |= parted is not None
        print(f"  numbers part at '{parted.name}': {parted.parts}" if parted else "  every packet is accounted for")
    for line in lines:
        print(line)
    return status


def _print_stage(stage: Stage, width: int) -> None:
    numbers = ((stage.packets, 16), (stage.records, 14), (stage.flows, 12))
    cells = "".join(f"{'-' if number is None else format(number, ','):>{room}}" for number, room in numbers)
    print(f"  {stage.name:<{width}}{cells}{'  ' * bool(stage.notes)}{'; '.join(stage.notes)}".rstrip())
