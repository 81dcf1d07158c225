"""The programs that run for long, as metrics name them."""

from __future__ import annotations

PROBE, EVENTS, WORKER, NAMES, OBSERVERS = "probe", "events", "worker", "names", "observers"
ALERTS, RADIUM, EXPORT, RUN, ARCHIVE = "alerts", "radium", "export", "run", "archive"
SINK_FILES, SINK_SQL, SINK_EVENTS, SINK_ALERTS = "sink-files", "sink-sql", "sink-events", "sink-alerts"
SINK_FINDINGS = "sink-findings"

FLOW_SINKS = (SINK_SQL, SINK_FILES)
SINKS = (*FLOW_SINKS, SINK_EVENTS, SINK_ALERTS, SINK_FINDINGS)
SERVICES = (PROBE, EVENTS, WORKER, NAMES, OBSERVERS, ALERTS, *SINKS[:-1], RADIUM, EXPORT, SINK_FINDINGS)
EVERY = (*SERVICES, RUN, ARCHIVE)
CONSUMERS = (WORKER, NAMES, OBSERVERS, ALERTS, *SINKS, RADIUM, EXPORT)
PRODUCERS = (PROBE, EVENTS, WORKER, NAMES, OBSERVERS, ALERTS)
MERGERS = (WORKER, OBSERVERS)
OBSERVING = (PROBE, RUN)
