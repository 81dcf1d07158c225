"""`argosy probe`: packets to flow status records, to files or to Kafka."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.options import help_in_parts, parse
from clients.sensor.process import go_into_background, pid_file
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.options import Parsed
    from probes.settings import Settings
    from probes.source import PacketSource

USAGE = "argosy probe -r FILE... | -i INTERFACE | --argus HOST -w OUT... [OPTIONS] [- FILTER]"
SUMMARY = "Reads packets and reports every conversation in them as bidirectional flow status records."


def run(arguments: list[str]) -> int:
    """Run the command."""
    from clients.sensor.options import all_options, help_parts, settings_of

    parsed = parse(all_options(), arguments)
    if parsed.count("-h"):
        print(help_in_parts(USAGE, SUMMARY, help_parts()))
        return 0
    settings = settings_of(parsed)
    if parsed.count("-b") or parsed.count("-l"):
        return _inspect(parsed, settings)
    ready = _into_background(settings)

    from probes.memory import keep_freed  # NumPy comes with it, and starts threads

    keep_freed()
    if settings.argus:
        return _attach(settings, ready)
    if settings.endpoints:
        return _collect(settings, lambda: settings_of(parsed), ready)

    from probes.open_source import open_source

    source = open_source(settings)
    if not settings.outputs:
        raise UsageError("say where records go: -w FILE or -w kafka://HOST:PORT")
    with pid_file(settings.pid_file):
        _observe(settings, source, lambda: settings_of(parsed), ready)
    return report_errors("argosy probe", source)


def _inspect(parsed: Parsed, settings: Settings) -> int:
    from clients.sensor.inspection import filter_listing, interface_lines

    print("\n".join(interface_lines()) if parsed.count("-l") else filter_listing(settings))
    return 0


def report_errors(name: str, source: PacketSource) -> int:
    """Print what could not be read, a line each; return the exit status."""
    for error in source.errors:
        print(f"{name}: {error}", file=sys.stderr)
    return 1 if source.errors else 0


def _into_background(settings: Settings) -> Callable[[], None]:
    """Go there when asked to, before anything is loaded that starts threads; return what to call once all is well."""
    if not settings.daemon:
        return lambda: None
    if "-" in settings.files or any(output.to == "-" for output in settings.outputs):
        raise UsageError("option -d: there is no standard input and output in the background; name files instead of -")
    return go_into_background()


def _attach(settings: Settings, ready: Callable[[], None]) -> int:
    """Take the records of a running argus instead of packets."""
    from clients.sensor.attached import Attached

    if settings.files or settings.interfaces or settings.endpoints:
        raise UsageError("say what to read: records of an argus (--argus), of exporters, or packets (-r, -i), not both")
    if not settings.outputs:
        raise UsageError("say where records go: -w FILE or -w kafka://HOST:PORT")
    attached = Attached(settings)
    with pid_file(settings.pid_file):
        attached.run(ready)
    return 0


def _collect(settings: Settings, again: Callable[[], Settings], ready: Callable[[], None]) -> int:
    """Take the flow records of others instead of packets."""
    from clients.sensor.collection import Collection

    if not settings.outputs:
        raise UsageError("say where records go: -w FILE or -w kafka://HOST:PORT")
    collection = Collection(settings, again)
    with pid_file(settings.pid_file):
        collection.run(ready)
    for error in collection.errors:
        print(f"argosy probe: {error}", file=sys.stderr)
    return 1 if collection.errors else 0


def _observe(
    settings: Settings, source: PacketSource, again: Callable[[], Settings], ready: Callable[[], None]
) -> None:
    from clients.sensor import logs
    from clients.sensor.driver import Driver
    from clients.sensor.events import event_runner
    from clients.sensor.metrics import ProbeReadings
    from clients.sensor.options import flow_settings
    from clients.sensor.outputs import Outputs
    from clients.sensor.privileges import drop, owner_of
    from clients.telemetry.server import serving
    from topics.metrics.vitals import VITALS

    logs.configure(settings)
    outputs = Outputs(settings, live=source.live)
    driver = Driver(settings, flow_settings(settings), source, again)
    driver.reporter.output = outputs.counts
    driver.log_anew = logs.configure
    owner = owner_of(settings)
    if settings.interfaces or settings.chroot or owner:
        from clients.sensor.rehearsal import rehearse

        rehearse(settings)
    source.open()
    if settings.events and source.live:
        driver.events = event_runner(settings, driver.sensor.settings.boot_id)  # low ports take rights
    drop(settings, owner, keep_raw=bool(settings.interfaces))
    readings = ProbeReadings(settings, outputs, driver.reporter.snapshot)
    readings.events = driver.events
    with outputs, serving(settings.metrics, "probe", readings):
        VITALS.settle("sources", f"{len(settings.interfaces) or len(settings.files)} sources are open")
        ready()
        if driver.events:
            driver.events.start()
        driver.run(outputs)
        if source.errors and not driver.sensor.totals.packets:
            outputs.abandon()
