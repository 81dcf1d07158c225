"""`argosy run`: captures to merged flows in files and a database, in one process, with a summary for people."""

from __future__ import annotations

import itertools
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, Parsed, parse_or_help
from clients.sensor.command import report_errors
from clients.sensor.options import flow_settings, own_settings
from clients.telemetry.options import METRICS_OPTION
from sinks.formats.names import DASH
from topics.errors import UsageError
from topics.spans import CLEARED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import polars as pl
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from clients.alerts.local import AlertTap
    from clients.run.findings import Findings
    from clients.run.told import Told
    from clients.run.traffic_summary import TrafficSummary
    from probes.captures import CaptureSource
    from probes.sensor import PacketTotals, Sensor
    from probes.settings import Settings
    from processors.labels import Labeller
    from processors.labels.labeller import Facts
    from processors.spans import SpanWatch
    from sinks.files import FileSink
    from topics.probe_status import ProbeStatus
    from topics.spans import SpanFinding

USAGE = "argosy run -r FILE... [--data DIR] [OPTIONS]"
SUMMARY = "Reads captures, merges what belongs together into flows, keeps them and sums them up. Needs no broker."
OPTIONS = [
    Option("-r", "FILE...", "capture files: pcap or pcapng, plain, gzip or zstd; - is standard input"),
    Option("--data", "DIR", "keep flows there, as Parquet files and in a DuckDB database (default argosy-data)"),
    Option("-S", "SECONDS", "report each active flow this often (default 5)"),
    Option("-U", "BYTES", "keep the first bytes of user data of each direction"),
    Option("-e", "NAME", "name of this probe, the srcid of its records (default: name of the host)"),
    Option("--site", "NAME", "where the probe stands"),
    Option("--labels", "CONF", "label flows by lists and databases (docs/guides/labels.md)"),
    Option("--events", "FILE...", "say whose flows were by .events files, directories or alerts (EVE, .json);\n"
                                  "those beside a capture (FILE.events) and below DIR are taken too"),
    Option("--link", "[DEVICE:]INTERFACE=SEEN...", "an interface with counters in events, and that of the capture\n"
                                                   "which shows its traffic (- for one without name)"),
    Option("--rules", "RULES...", "look for what rules say: files, directories, or `starter` (docs/guides/alerts.md)"),
    Option("--web", "", "then show it all on a page, until Ctrl-C (docs/guides/web.md)"),
    METRICS_OPTION,
    Option("-q", "", "no summary"),
    Option("-h --help", "", "this text"),
]  # fmt: skip
DATABASE = "flows.duckdb"
ROTATE = 3600
TOP = 10
NANOSECONDS = 1_000_000_000


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(
            f"no filter is taken here: '{parsed.expression}'; read everything and ask `argosy ra` afterwards"
        )
    if not parsed.words("-r"):
        raise UsageError("say what to read: -r FILE")
    data = Path(parsed.word("--data") or "argosy-data")
    status = _audit(parsed, data)
    if parsed.count("--web") and data.is_dir():
        from clients.web.command import show

        show(str(data), parsed.words("--rules"))
    return status


def _audit(parsed: Parsed, data: Path) -> int:
    from clients.run.findings import Findings
    from clients.run.told import Told
    from clients.run.traffic_summary import TrafficSummary
    from probes.captures import CaptureSource
    from probes.sensor import Sensor
    from processors.engine import local
    from processors.labels import Labeller, Lists, NoLists, read_label_settings
    from processors.merge import FlowMerge
    from processors.spans import SpanWatch
    from sinks.files import Cutting, FileSink
    from sinks.sql import SqlSink

    began, compiling = time.monotonic(), _has_to_compile()
    if compiling and all(name == DASH or Path(name).is_file() for name in parsed.words("-r")):
        _compile(quiet=bool(parsed.count("-q")))
    settings = own_settings(parsed)
    source, sensor = CaptureSource(parsed.words("-r")), Sensor(flow_settings(settings))
    summary, watch, findings = TrafficSummary(), SpanWatch(), Findings(sensor, data)
    labels = parsed.word("--labels")
    facts = NoLists() if labels is None else Lists(read_label_settings(labels))
    labeller = Labeller(facts, findings.naming.table)
    tap = _alert_tap(parsed, facts, findings)
    told = Told(parsed.words("--events"), parsed.words("-r"), data, parsed.words("--link"))
    bar, show = _progress(source, sensor)
    with bar, _watched(parsed, settings, source, sensor):
        batches = findings.batches(source, show)
        first = next(batches)
        if not sensor.totals.packets:
            if not source.errors:
                print(f"{_names(source.paths)}: no packets")
            return report_errors("argosy run", source)  # before anything is made to keep nothing in
        files = FileSink(data, cutting=Cutting(seconds=ROTATE))
        sinks: list[local.Sink] = [files, SqlSink(str(data / DATABASE)), summary]
        with findings.sink:
            chain: list[local.Processor] = [watch, told, FlowMerge(), labeller, told.attributor]
            local.run(itertools.chain([first], batches), chain if tap is None else [tap, *chain], sinks)
    told.keep(data / DATABASE)
    status = _leave_status(data, settings, source, sensor)
    if tap is not None:
        tap.finish([*watch.findings, *watch.standing], [status], data)
    if not parsed.count("-q"):
        pace = _pace(sensor, time.monotonic() - began, compiling=compiling)
        found = [line for line in (_names_found(findings, labeller), *told.lines()) if line]
        _print_summary(source, sensor, summary, watch, files, data, pace, found, told, tap)
    return report_errors("argosy run", source)


def _watched(parsed: Parsed, settings: Settings, source: CaptureSource, sensor: Sensor) -> AbstractContextManager[None]:
    """Serve metrics meanwhile, where that was asked for."""
    if not parsed.count("--metrics"):
        return nullcontext()
    from clients.sensor.driver import identity_of
    from clients.sensor.metrics import of_run
    from clients.telemetry.service import watched
    from probes.status import StatusReporter

    reporter = StatusReporter(sensor, source, identity_of(settings), time.time_ns)
    return watched(parsed, "run", lambda: of_run(settings, reporter.snapshot(), len(source.errors)))


def _alert_tap(parsed: Parsed, facts: Facts, findings: Findings) -> AlertTap | None:
    if not parsed.count("--rules"):
        return None
    from clients.alerts.chosen import rules_of
    from clients.alerts.local import AlertTap
    from processors.labels import Labeller

    tap = AlertTap(rules_of(parsed.words("--rules")), Labeller(facts, findings.naming.table))
    findings.told = tap.told
    return tap


def _names_found(findings: Findings, labeller: Labeller) -> str:
    sink = findings.sink
    if not sink.transactions and not sink.names:
        return ""
    return (
        f"{sink.transactions:,} DNS transactions, {findings.failed:,} without a good answer; "
        f"names for {len(findings.naming.table):,} addresses and {labeller.named:,} flows"
    )


def _has_to_compile() -> bool:
    """Whether the kernels were never compiled here: the first start says nothing about speed."""
    from probes.capture import totals
    from probes.flows import observe
    from topics.compiled import cache_directory

    return not all(any(cache_directory(str(each.__file__)).rglob("*.nbc")) for each in (totals, observe))


def _compile(*, quiet: bool) -> None:
    """Compile on all processors what would else be compiled piece by piece; where that is not possible, it still is."""
    from clients import warmup

    if not quiet:
        print("argosy run: first start, compiling for this machine takes about a minute", file=sys.stderr)
    with suppress(OSError, BrokenProcessPool):  # a sandbox may have neither shared memory nor room for more processes
        for _ in warmup.compiled(warmup.OF_A_RUN):
            pass


def _pace(sensor: Sensor, took: float, *, compiling: bool) -> str:
    if compiling:
        return f"{took:.1f} s, most of it to compile at the first start"
    return f"{took:.1f} s ({sensor.totals.packets / took:,.0f} packets/s)"


def _leave_status(data: Path, settings: Settings, source: CaptureSource, sensor: Sensor) -> ProbeStatus:
    """Leave the last word of the probe beside the flows, for `argosy audit`, and return it."""
    from clients.audit.statuses import STATUS_FILE
    from clients.sensor.driver import identity_of
    from probes.status import StatusReporter
    from sinks.formats.destination import writing_to

    *_, last = StatusReporter(sensor, source, identity_of(settings), time.time_ns).finish()
    path = data / STATUS_FILE
    with writing_to(str(path)), path.open("a", encoding="utf-8") as file:
        file.write(last.json_line)
    return last


def _progress(source: CaptureSource, sensor: Sensor) -> tuple[Progress, Callable[[], None]]:
    """Return what shows on a terminal, on standard error, how far reading has come, and what to call to tell it."""
    from rich import progress as bars
    from rich.console import Console

    console = Console(stderr=True)
    progress = bars.Progress(console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task("reading", total=None)

    def show() -> None:
        if source.reader is not None:
            name = Path(source.reader.name).name
            text = f"{name}: {sensor.totals.packets:,} packets"
            progress.update(task, description=text, total=source.reader.size, completed=source.reader.position)

    return progress, show


def _print_summary(
    source: CaptureSource,
    sensor: Sensor,
    summary: TrafficSummary,
    watch: SpanWatch,
    files: FileSink,
    data: Path,
    pace: str,
    found: list[str],
    told: Told,
    tap: AlertTap | None,
) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    _print_totals(console, source.paths, sensor.totals, summary, pace)
    for line in found:
        console.print(line, soft_wrap=True)
    _print_tables(console, summary)
    _print_findings(console, summary, watch, told)
    _print_alerts(console, tap, data)
    size = sum(path.stat().st_size for path in files.files)
    console.print("\n[bold]Where it lies[/bold]")
    console.print(
        f"  {len(files.files)} Parquet file{'s' * (len(files.files) != 1)} below {data} ({_bytes(size)}), "
        f"and the same flows in {data / DATABASE}",
        soft_wrap=True,
    )
    console.print("[bold]How to go on[/bold]")
    console.print(
        f"  argosy ra -R {data} -s stime dur proto saddr sport dir daddr dport pkts bytes state - tcp",
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"  argosy racluster -R {data} -m saddr daddr -s saddr daddr trans pkts bytes", markup=False, soft_wrap=True
    )
    if any("DNS" in line for line in found):
        console.print(f"  argosy radns -R {data}      argosy who ADDRESS -R {data}", markup=False, soft_wrap=True)
    console.print(f"  DuckDB on {data / DATABASE}: FROM conversations LIMIT 10", markup=False, soft_wrap=True)
    console.print(f"  a page on all of it: argosy web -R {data}", markup=False, soft_wrap=True)


def _print_totals(
    console: Console, paths: Sequence[str], totals: PacketTotals, summary: TrafficSummary, pace: str
) -> None:
    sums = summary.totals()
    console.print(f"[bold]{_names(paths)}[/bold]: {_span(totals)}")
    console.print(f"{totals.packets:,} packets, {_bytes(totals.bytes)}, {sums['flows']:,} flows; audited in {pace}")


def _names(paths: Sequence[str]) -> str:
    names = [Path(path).name if path != "-" else "standard input" for path in paths]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _span(totals: PacketTotals) -> str:
    first = datetime.fromtimestamp(totals.first // NANOSECONDS, UTC)
    last = datetime.fromtimestamp(totals.last // NANOSECONDS, UTC)
    seconds = (totals.last - totals.first) / NANOSECONDS
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} to {end} UTC, {seconds:,.1f} s"


def _print_tables(console: Console, summary: TrafficSummary) -> None:
    number = ("flows", "packets", "bytes")
    console.print(_table("Protocols", summary.protocols(), ("protocol",), number))
    console.print(_table("Services", summary.services(), ("service", "port"), ("clients", "servers", *number)))
    console.print(_table("Top talkers", summary.hosts(), ("address",), ("peers", "flows", "sent", "received")))


def _table(title: str, frame: pl.DataFrame, words: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    from rich import box
    from rich.table import Table

    more = f" (first {TOP} of {len(frame)})" if len(frame) > TOP else ""
    table = Table(title=f"{title}{more}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for word in words:
        table.add_column(word)
    for name in numbers:
        table.add_column(name, justify="right")
    for row in frame.head(TOP).iter_rows(named=True):
        values = [_bytes(row[name]) if name in {"bytes", "sent", "received"} else f"{row[name]:,}" for name in numbers]
        table.add_row(*(str(row[word]) for word in words), *values)
    return table


def _print_findings(console: Console, summary: TrafficSummary, watch: SpanWatch, told: Told) -> None:
    sums = summary.totals()
    findings = [f"the mirror port is faulty: {finding.diagnosis}" for finding in _mirroring(watch)]
    findings += told.warnings()
    if sums["copies"]:
        findings.append(f"{sums['copies']:,} copies of packets ({_bytes(sums['copied'])}) are counted apart")
    findings += [
        f"{row['src_address']} tried {row['ports']:,} ports on {row['targets']:,} host{'s' * (row['targets'] != 1)}"
        f" without success, {row['attempts']:,} times"
        for row in summary.scans().head(5).iter_rows(named=True)
    ]
    if sums["refused"] or sums["unanswered"]:
        findings.append(f"{sums['refused']:,} connections refused, {sums['unanswered']:,} never answered")
    if sums["lost"]:
        findings.append(f"{sums['lost']:,} packets sent again ({100 * sums['lost'] / sums['packets']:.2f} % of all)")
    if findings:
        console.print("[bold]Worth a look[/bold]")
        for finding in findings:
            console.print(f"  {finding}", markup=False, soft_wrap=True)


def _print_alerts(console: Console, tap: AlertTap | None, data: Path) -> None:
    if tap is None:
        return
    lines = tap.lines()
    console.print("[bold]Alerts[/bold]")
    for line in lines or ["none"]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if lines:
        console.print(f"  argosy alerts list -R {data} -M query", markup=False, soft_wrap=True)


def _mirroring(watch: SpanWatch) -> list[SpanFinding]:
    """Return what was found about mirror ports, most copies first."""
    cleared = [finding for finding in watch.findings if finding.state == CLEARED]
    return sorted([*watch.standing, *cleared], key=lambda finding: -finding.copies)


def _bytes(count: int) -> str:
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
