"""A run in small, before packets come and rights are given up: loads every module and kernel that will be needed.

Packets would pile up meanwhile. In a directory to stay in there is no Python, and another user may not read it.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from clients import warmup
from clients.sensor.driver import Driver
from clients.sensor.notices import SUFFIX
from clients.sensor.outputs import Outputs
from clients.telemetry.version import installed_version
from probes.captures import CaptureSource
from probes.flows.probe import ProbeSettings
from probes.settings import Output, Settings, Spool
from sinks.formats.names import DASH
from topics.metrics import table
from topics.metrics.vitals import VITALS
from topics.on_demand import import_all
from topics.probe_status import encode_probe_status
from topics.schema import schema_names
from topics.single_object import header

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE = ("packets of interfaces", "packet filters")
BUS = ("records to bytes and back", "partitions")
FOR_THE_BUS = ("confluent_kafka.admin", "encodings.idna", "probes.spool.publisher")
PACKAGES_FOR_THE_BUS = ("topics.bus", "topics.control")
FOR_METRICS = ("encodings.idna", "clients.telemetry.exposition", "prometheus_client.exposition")


def rehearse(settings: Settings) -> None:
    """Observe a few packets as the settings say, with all files in a directory that is gone afterwards."""
    for stage in LIVE + BUS:
        warmup.STAGES[stage]()
    if any(output.is_bus for output in settings.outputs):
        for name in FOR_THE_BUS:
            importlib.import_module(name)
        for package in PACKAGES_FOR_THE_BUS:
            import_all(package)
        for schema in schema_names():
            header(schema)  # reads the file that the bus is told of
    if settings.metrics:
        for name in FOR_METRICS:
            importlib.import_module(name)
        installed_version()
    with tempfile.TemporaryDirectory() as directory, capture_logs():
        _observe(settings.model_copy(update=_moved(settings, Path(directory))))
    table.forget()
    VITALS.reset()


def _observe(settings: Settings) -> None:
    source = CaptureSource(settings.files)
    driver = Driver(settings, ProbeSettings(), source, lambda: settings)
    with Outputs(settings, live=False) as outputs:
        driver.run(outputs)
        encode_probe_status(driver.reporter.snapshot())


def _moved(settings: Settings, directory: Path) -> dict[str, object]:
    """Return what is different in a rehearsal."""
    capture = directory / "capture.pcap"
    capture.write_bytes(warmup.sample())
    outputs = tuple(_outputs_in(settings, directory))
    status = str(directory / f"rehearsal{SUFFIX}")
    return {"files": (str(capture),), "outputs": outputs, "status": status, "spool": Spool()}


def _outputs_in(settings: Settings, directory: Path) -> Iterator[Output]:
    """Yield an output for each, in the same format and with the same filter."""
    for number, output in enumerate(settings.outputs):
        suffix = ".arrow" if output.is_bus or output.to == DASH else Path(output.to).suffix
        yield output.model_copy(update={"to": str(directory / f"{number}{suffix}")})
