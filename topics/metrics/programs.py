"""The programs that run for long, as metrics name them."""

from __future__ import annotations

PROBE, EVENTS, WORKER, NAMES, OBSERVERS = "probe", "events", "worker", "names", "observers"
ALERTS, RADIUM, EXPORT, RUN, ARCHIVE, WEB = "alerts", "radium", "export", "run", "archive", "web"
SINK_FILES, SINK_SQL, SINK_EVENTS, SINK_ALERTS = "sink-files", "sink-sql", "sink-events", "sink-alerts"
SINK_FINDINGS = "sink-findings"

FLOW_SINKS = (SINK_SQL, SINK_FILES)
SINKS = (*FLOW_SINKS, SINK_EVENTS, SINK_ALERTS, SINK_FINDINGS)
SERVICES = (PROBE, EVENTS, WORKER, NAMES, OBSERVERS, ALERTS, *SINKS[:-1], RADIUM, EXPORT, SINK_FINDINGS, WEB)
EVERY = (*SERVICES, RUN, ARCHIVE)
CONSUMERS = (WORKER, NAMES, OBSERVERS, ALERTS, *SINKS, RADIUM, EXPORT, WEB)
PRODUCERS = (PROBE, EVENTS, WORKER, NAMES, OBSERVERS, ALERTS)
MERGERS = (WORKER, OBSERVERS)
OBSERVING = (PROBE, RUN)
