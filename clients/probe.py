"""`argosy probe`: packets to flow status records, to files or to Kafka."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.options import help_in_parts, parse
from topics.errors import UsageError

if TYPE_CHECKING:
    from probes.settings import Settings
    from probes.source import PacketSource

USAGE = "argosy probe -r FILE... -w OUT... [OPTIONS]"
SUMMARY = "Reads packets and reports every conversation in them as bidirectional flow status records."


def run(arguments: list[str]) -> int:
    """Run the command."""
    from clients.sensor.options import all_options, help_parts, settings_of

    parsed = parse(all_options(), arguments)
    if parsed.count("-h"):
        print(help_in_parts(USAGE, SUMMARY, help_parts()))
        return 0
    settings = settings_of(parsed)

    from probes.open_source import open_source

    source = open_source(settings)
    if not settings.outputs:
        raise UsageError("say where records go: -w FILE or -w kafka://HOST:PORT")
    _observe(settings, source)
    return report_errors("argosy probe", source)


def report_errors(name: str, source: PacketSource) -> int:
    """Print what could not be read, a line each; return the exit status."""
    for error in source.errors:
        print(f"{name}: {error}", file=sys.stderr)
    return 1 if source.errors else 0


def _observe(settings: Settings, source: PacketSource) -> None:
    from clients.sensor.options import flow_settings
    from clients.sensor.outputs import Outputs
    from probes.sensor import Sensor, flow_batches

    sensor = Sensor(flow_settings(settings))
    with Outputs(settings) as outputs:
        for batch in flow_batches(source, sensor):
            outputs.write(batch)
        if source.errors and not sensor.totals.packets:
            outputs.abandon()
