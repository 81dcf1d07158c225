"""Status records of the bench captures, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.captures import CaptureSource
from probes.flows.probe import ProbeSettings
from probes.sensor import Sensor, flow_batches

if TYPE_CHECKING:
    from pathlib import Path

    from topics.batch import FlowBatch

SECOND = 1_000_000_000


def status_batches(capture: Path) -> list[FlowBatch]:
    """Return what the probe makes of a capture when it reports every second, the end of the run included."""
    sensor = Sensor(ProbeSettings(probe="bench", status_interval=SECOND, boot_id=1))
    return list(flow_batches(CaptureSource([str(capture)]), sensor))
