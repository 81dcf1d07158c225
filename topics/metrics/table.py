"""All metrics of all programs: the one place where they are declared. docs/reference/metrics.md is made from it.

Names follow the conventions of Prometheus: base units, `_total` for what only grows, times as `_timestamp_seconds`
since the epoch. Labels are bounded: by what is configured, by interfaces and probes, or by fixed words.
"""

from __future__ import annotations

from topics.metrics.instrument import Histogram, Metric, Number
from topics.metrics.programs import (
    ALERTS,
    ARCHIVE,
    CONSUMERS,
    EVENTS,
    EVERY,
    EXPORT,
    FLOW_SINKS,
    MERGERS,
    NAMES,
    OBSERVING,
    PROBE,
    PRODUCERS,
    RADIUM,
    RUN,
    SINK_ALERTS,
    SINK_EVENTS,
    SINK_FILES,
    SINK_FINDINGS,
    SINK_SQL,
    WEB,
    WORKER,
)

BATCH_BOUNDS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
AGE_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 45.0, 90.0, 180.0, 420.0, 900.0, 3600.0, 14_400.0)
ANSWER_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MIRRORED = ("interface", "vlan", "copy_vlan", "ttl_steps", "differences")
GROUPED = ("topic", "group")
AGING = (PROBE, *MERGERS, NAMES, ALERTS, *FLOW_SINKS, SINK_EVENTS, SINK_ALERTS, RADIUM, EXPORT)
TIMED = (*AGING, SINK_FINDINGS)

# Every program
BUILD_INFO = Metric("argosy_build_info", "1, with what runs", ("program", "version", "python"), EVERY)
HEALTHY = Metric("argosy_healthy", "Whether /healthz says ok", (), EVERY)
READY = Metric("argosy_ready", "Whether /readyz says ok", (), EVERY)
IDLE = Metric("argosy_loop_idle_seconds", "How long ago the loop turned that has not for longest", (), EVERY)
LOG_LINES = Number("argosy_log_lines_total", "Lines logged, by severity", ("level",), EVERY)
PROCESS_CPU = Metric("process_cpu_seconds_total", "Time of processors used", (), EVERY)
PROCESS_MEMORY = Metric("process_resident_memory_bytes", "Memory in use", (), EVERY)
PROCESS_VIRTUAL = Metric("process_virtual_memory_bytes", "Address space in use", (), EVERY)
PROCESS_START = Metric("process_start_time_seconds", "When the process began, since the epoch", (), EVERY)
PROCESS_FILES = Metric("process_open_fds", "Files and sockets that are open", (), EVERY)
PROCESS_MOST_FILES = Metric("process_max_fds", "Files and sockets that may be", (), EVERY)

# Stages
BATCH_SECONDS = Histogram(
    "argosy_batch_duration_seconds",
    "How long a batch took in a stage: observe, write (probe), merge (worker, observers), name, evaluate, store, "
    "deliver, serve, send",
    ("stage",),
    TIMED,
    BATCH_BOUNDS,
)
PACKET_AGE = Histogram(
    "argosy_packet_age_seconds",
    "Now less the time of the newest packet of a batch, as it leaves a stage: reported (by the probe), received and "
    "published (by workers), named, evaluated, stored, delivered, served, sent",
    ("stage",),
    AGING,
    AGE_BOUNDS,
)

# The bus
CONSUMED_MESSAGES = Number("argosy_consumer_messages_total", "Messages read", GROUPED, CONSUMERS)
CONSUMED_BYTES = Number("argosy_consumer_bytes_total", "Bytes of these messages", GROUPED, CONSUMERS)
DEAD_LETTERS = Number(
    "argosy_consumer_dead_letters_total", "Messages that could not be read, and went to the dead letters", GROUPED,
    CONSUMERS,
)  # fmt: skip
LAG_MESSAGES = Number(
    "argosy_consumer_lag_messages", "Messages on the topic that were not read yet", (*GROUPED, "partition"), CONSUMERS
)
LAG_SECONDS = Number(
    "argosy_consumer_lag_seconds",
    "Age of the message read last while others wait, 0 when none does: how far behind a consumer is",
    GROUPED,
    CONSUMERS,
)
PARTITIONS = Number("argosy_consumer_partitions", "Partitions that are this process's", GROUPED, CONSUMERS)
PAUSED = Number(
    "argosy_consumer_paused", "Whether nothing is read for now, since what comes after is full", GROUPED, CONSUMERS
)
PRODUCED_MESSAGES = Number("argosy_producer_messages_total", "Messages given to the brokers", ("topic",), PRODUCERS)
PRODUCED_BYTES = Number("argosy_producer_bytes_total", "Bytes of these messages", ("topic",), PRODUCERS)

# Probes
PROBE_INFO = Metric(
    "argosy_probe_info", "1, with who observes: its site, name and a digest of its settings",
    ("site", "probe", "configuration"), OBSERVING,
)  # fmt: skip
PACKETS = Metric("argosy_probe_packets_total", "Packets looked at", ("interface",), OBSERVING)
PACKET_BYTES = Metric("argosy_probe_bytes_total", "Their bytes on the wire", ("interface",), OBSERVING)
RECORDS = Metric("argosy_probe_records_total", "Status records reported", ("interface",), OBSERVING)
RECORD_PACKETS = Metric(
    "argosy_probe_record_packets_total", "Packets that these records count", ("interface",), OBSERVING
)
LAST_PACKET = Metric(
    "argosy_probe_last_packet_timestamp_seconds", "Time of the newest packet, since the epoch", ("interface",),
    OBSERVING,
)  # fmt: skip
DROPPED = Metric(
    "argosy_probe_dropped_packets_total", "Packets lost or left out before they were looked at, by cause", ("cause",),
    OBSERVING,
)  # fmt: skip
INTERFACE_DROPPED = Metric(
    "argosy_probe_interface_dropped_packets_total", "Packets the operating system had no room for", ("interface",),
    OBSERVING,
)  # fmt: skip
ODD = Metric("argosy_probe_odd_packets_total", "Packets not understood in full, by what was odd", ("kind",), OBSERVING)
FLOWS = Metric("argosy_probe_flows_total", "Flows begun", (), OBSERVING)
EVICTED_FLOWS = Metric(
    "argosy_probe_evicted_flows_total", "Flows reported and forgotten early, the table being full", (), OBSERVING
)
ACTIVE_FLOWS = Metric("argosy_probe_active_flows", "Flows in the table", (), OBSERVING)
MAX_FLOWS = Metric("argosy_probe_max_flows", "Flows that the table is set to hold", (), OBSERVING)
PROBE_START = Metric(
    "argosy_probe_start_timestamp_seconds", "When the probe began, since the epoch", (), OBSERVING
)  # fmt: skip
CLOCK_OFFSET = Metric(
    "argosy_probe_clock_offset_seconds", "Clock of the host less the time of the newest packet", (), OBSERVING
)
OFFERED_MESSAGES = Metric("argosy_probe_offered_messages_total", "Messages made for the bus", (), (PROBE,))
OFFERED_RECORDS = Metric("argosy_probe_offered_records_total", "Status records in them", (), (PROBE,))
DELIVERED_MESSAGES = Metric(
    "argosy_probe_delivered_messages_total", "Messages that the brokers confirmed, out of a spool", (), (PROBE,)
)
DELIVERED_RECORDS = Metric("argosy_probe_delivered_records_total", "Status records in them", (), (PROBE,))
ACCEPTED_MESSAGES = Metric(
    "argosy_probe_accepted_messages_total", "Messages that were put on the disk of the spool", (), (PROBE,)
)
SPOOLED_MESSAGES = Metric("argosy_probe_spooled_messages", "Messages that wait in the spool", (), (PROBE,))
SPOOLED_BYTES = Metric("argosy_probe_spooled_bytes", "Their bytes", (), (PROBE,))
SPOOL_LIMIT = Metric("argosy_probe_spool_limit_bytes", "Bytes that the spool may hold", (), (PROBE,))
BUS_TROUBLE = Metric("argosy_probe_bus_trouble", "Whether the brokers take nothing now", (), (PROBE,))
LOST_MESSAGES = Metric(
    "argosy_probe_lost_messages_total", "Messages lost on the way to the bus, by cause", ("cause",), (PROBE,)
)
LOST_RECORDS = Metric("argosy_probe_lost_records_total", "Status records in them", ("cause",), (PROBE,))
LOST_PACKETS = Metric("argosy_probe_lost_packets_total", "Packets that these records count", ("cause",), (PROBE,))
CONTROL_PAYLOADS = Metric(
    "argosy_probe_control_payloads_total", "Payloads of the control plane, by protocol", ("protocol",), (PROBE,)
)
CONTROL_BYTES = Metric("argosy_probe_control_bytes_total", "Their bytes", (), (PROBE,))
CONTROL_LOST = Metric(
    "argosy_probe_control_missing_bytes_total", "Bytes of TCP streams of the control plane that never came", (),
    (PROBE,),
)  # fmt: skip
CONTROL_AGAIN = Metric(
    "argosy_probe_control_retransmitted_bytes_total", "Bytes of these streams that came again", (), (PROBE,)
)
CONTROL_SEGMENTS = Metric(
    "argosy_probe_control_refused_segments_total", "TCP segments of the control plane left out: too many, or strange",
    ("cause",), (PROBE,),
)  # fmt: skip
CONTROL_EVICTED = Metric(
    "argosy_probe_control_evicted_streams_total", "TCP streams of the control plane that made room for newer", (),
    (PROBE,),
)  # fmt: skip
CONTROL_STREAMS = Metric("argosy_probe_control_streams", "TCP streams of the control plane followed", (), (PROBE,))
CONTROL_WAITING = Metric(
    "argosy_probe_control_waiting_bytes", "Bytes of them that wait for those before them", (), (PROBE,)
)
EXPORTERS = Metric("argosy_probe_exporters", "Exporters of flow records that are heard", (), (PROBE,))
EXPORTER_DATAGRAMS = Metric(
    "argosy_probe_exporter_datagrams_total", "Datagrams and messages of an exporter", ("exporter",), (PROBE,)
)
EXPORTER_BYTES = Metric("argosy_probe_exporter_bytes_total", "Their bytes", ("exporter",), (PROBE,))
EXPORTER_RECORDS = Metric(
    "argosy_probe_exporter_records_total", "Flow records of an exporter that were taken", ("exporter",), (PROBE,)
)
EXPORTER_PACKETS = Metric(
    "argosy_probe_exporter_packets_total", "Packets that its records count", ("exporter",), (PROBE,)
)
EXPORTER_TEMPLATES = Metric(
    "argosy_probe_exporter_templates", "Templates known of an exporter", ("exporter",), (PROBE,)
)
EXPORTER_HELD = Metric(
    "argosy_probe_exporter_held_sets", "Sets of an exporter that wait for their template", ("exporter",), (PROBE,)
)
EXPORTER_ODDITIES = Metric(
    "argosy_probe_exporter_oddities_total",
    "What else was counted of an exporter, by kind (docs/guides/exporters.md); under an empty name what concerns all",
    ("exporter", "kind"),
    (PROBE,),
)
SPAN_FAULTS = Metric("argosy_probe_mirror_faults", "Faults of mirror ports that stand", (), (PROBE,))
SPAN_FINDINGS = Number(
    "argosy_probe_span_findings_total", "Findings about mirror ports: raised, cleared", ("state",), (PROBE,)
)
MIRRORED_SHARE = Metric(
    "argosy_probe_mirrored_ratio", "Copies to each packet, of a mirror port found to be faulty", MIRRORED, (PROBE,)
)
MIRRORED_LAG = Metric(
    "argosy_probe_mirrored_lag_seconds", "How much later these copies come", MIRRORED, (PROBE,)
)  # fmt: skip
ATTACHED_RECORDS = Number(
    "argosy_probe_attached_records_total", "Records taken from running argus, by its source id", ("source",), (PROBE,)
)
ATTACHED_DROPPED = Number(
    "argosy_probe_attached_dropped_packets_total", "Packets that a running argus says it dropped", ("source",),
    (PROBE,),
)  # fmt: skip

# Events
EVENT_RECORDS = Metric("argosy_events_records_total", "Events that sources told", (), (EVENTS, PROBE))
EVENTS_DROPPED = Metric("argosy_events_dropped_total", "Events that nobody took in time", (), (EVENTS, PROBE))
EVENT_TROUBLES = Number(
    "argosy_events_failures_total", "Times that a source gave no good answer, by how it failed", ("status",),
    (EVENTS, PROBE),
)  # fmt: skip

# Workers
WORKER_RECORDS = Metric("argosy_worker_records_total", "Records taken", (), MERGERS)
WORKER_REPLAYS = Metric(
    "argosy_worker_replayed_batches_total", "Batches that came again and were left out", (), MERGERS
)
WORKER_MISSING = Metric(
    "argosy_worker_missing_batches_total", "Batches numbered by a probe that did not come", ("site", "probe"), MERGERS
)
WORKER_WATERMARK = Metric(
    "argosy_worker_watermark_timestamp_seconds", "Event time up to which flows of a probe are complete",
    ("site", "probe"), MERGERS,
)  # fmt: skip
WORKER_HELD = Number("argosy_worker_unacknowledged_messages", "Messages read and not committed yet", (), MERGERS)
FLOWS_OUT = Number("argosy_worker_flows_total", "Flows put out, by protocol", ("protocol",), MERGERS)
FLOW_PACKETS = Number("argosy_worker_flow_packets_total", "Packets in them", ("protocol",), MERGERS)
FLOW_BYTES = Number("argosy_worker_flow_bytes_total", "Bytes in them", ("protocol",), MERGERS)
LABELLED = Metric("argosy_worker_labelled_flows_total", "Flows that got labels", (), (WORKER,))
NAMED = Metric(
    "argosy_worker_named_flows_total", "Flows that got the name their client had asked for", (), (WORKER,)
)  # fmt: skip
NAMES_FORGOTTEN = Metric(
    "argosy_worker_forgotten_names_total", "Names of clients for an address that made room for newer ones", (),
    (WORKER,),
)  # fmt: skip
ATTRIBUTED = Metric("argosy_worker_attributed_flows_total", "Flows of which events told something", (), (WORKER,))
EVENTS_HEARD = Metric("argosy_worker_events_total", "Events that flows are attributed by", (), (WORKER,))
LIST_RELOADS = Metric("argosy_worker_list_reloads_total", "Times that a list or database was read again", (), (WORKER,))
LIST_REFUSALS = Metric(
    "argosy_worker_list_refusals_total", "Times that one was refused, the one before staying in force", (), (WORKER,)
)
LISTS_REFUSED = Metric(
    "argosy_worker_refused_lists", "Lists and databases whose newest version was refused", (), (WORKER,)
)
NAMES_STALLED = Metric(
    "argosy_worker_names_stalled", "Whether names do not move on and flows go without waiting for them", (), (WORKER,)
)

# Names
DNS_TRANSACTIONS = Number(
    "argosy_dns_transactions_total",
    "DNS transactions: ok, nxdomain, servfail, refused, error (another code), unanswered, unasked, malformed",
    ("outcome",),
    (NAMES,),
)
DNS_ANSWER_SECONDS = Histogram(
    "argosy_dns_answer_duration_seconds", "Time from a query to its answer", (), (NAMES,), ANSWER_BOUNDS
)
DNS_RETRIES = Number("argosy_dns_retries_total", "Queries that were asked again", (), (NAMES,))
NAMES_PUBLISHED = Number("argosy_names_published_total", "Names of addresses published", (), (NAMES,))

# Alerts
ALERT_RECORDS = Metric("argosy_alerts_records_total", "Status records looked at", (), (ALERTS,))
ALERTS_PUBLISHED = Number(
    "argosy_alerts_published_total", "Messages about alerts, by rule, severity and state: raised, repeated, resolved",
    ("rule", "severity", "state"), (ALERTS,),
)  # fmt: skip
ALERT_RULES = Metric("argosy_alerts_rules", "Rules that are evaluated", (), (ALERTS,))
ALERTS_LATE = Metric(
    "argosy_alerts_late_total", "Groups of records that came after their time had been closed", (), (ALERTS,)
)
ALERTS_FORCED = Metric(
    "argosy_alerts_forced_total", "Times that slots were closed early, for too many records waited", (), (ALERTS,)
)
ALERTS_EVICTED = Metric(
    "argosy_alerts_evicted_total", "Entries of memories that made room for newer ones", (), (ALERTS,)
)
ALERTS_SUPPRESSED = Metric(
    "argosy_alerts_suppressed_total", "Findings that belonged to an alert that was open", (), (ALERTS,)
)
ALERTS_SILENCED = Metric("argosy_alerts_silenced_total", "Findings in a silence", (), (ALERTS,))

# Sinks
SINK_RECORDS = Number("argosy_sink_records_total", "Flows or events taken", (), (*FLOW_SINKS, SINK_EVENTS, EXPORT))
SINK_HELD = Metric("argosy_sink_held_bytes", "Bytes of flows taken that do not last yet", (), FLOW_SINKS)
SINK_EVENT_TIME = Metric(
    "argosy_sink_event_timestamp_seconds", "Packet time that all sources have reached", (), FLOW_SINKS
)
SINK_AWAY = Number(
    "argosy_sink_database_away",
    "Whether the database is away and flows or findings wait",
    (),
    (SINK_SQL, SINK_FINDINGS),
)
SINK_FULL = Number("argosy_sink_disk_full", "Whether a disk is full and flows wait for room", (), (SINK_FILES,))
DELIVERIES = Metric(
    "argosy_delivery_alerts_total",
    "Alerts by what became of them: delivered, left_out (the channel does not get them), held_back (beyond its rate), "
    "dead (went to the dead letters)",
    ("channel", "outcome"),
    (SINK_ALERTS,),
)
DELIVERY_RETRIES = Metric(
    "argosy_delivery_retries_total", "Attempts that failed and were made again", ("channel",), (SINK_ALERTS,)
)

# Others
RADIUM_RECORDS = Metric("argosy_radium_records_total", "Records taken for clients", (), (RADIUM,))
RADIUM_CLIENTS = Metric("argosy_radium_clients", "Clients that are served now", (), (RADIUM,))
RADIUM_CONNECTIONS = Metric(
    "argosy_radium_connections_total", "Clients: started, refused, gone early, dropped for being slow", ("outcome",),
    (RADIUM,),
)  # fmt: skip
EXPORT_RECORDS = Number("argosy_export_records_total", "Records sent to the collector", (), (EXPORT,))
EXPORT_MESSAGES = Number("argosy_export_messages_total", "IPFIX messages sent", (), (EXPORT,))
EXPORT_BYTES = Number("argosy_export_bytes_total", "Their bytes", (), (EXPORT,))
WEB_REQUESTS = Number("argosy_web_requests_total", "Requests, by route and status", ("route", "status"), (WEB,))
WEB_SECONDS = Histogram(
    "argosy_web_request_duration_seconds", "From a request to the beginning of its answer", ("route",), (WEB,),
    BATCH_BOUNDS,
)  # fmt: skip
WEB_OPEN = Number("argosy_web_open_requests", "Requests that are being answered, live pages among them", (), (WEB,))
RUN_CAPTURES = Metric("argosy_run_unreadable_captures_total", "Captures that could not be read in full", (), (RUN,))
ARCHIVE_FILES = Number("argosy_archive_files_total", "Files of an archive that were gone through", (), (ARCHIVE,))
ARCHIVE_RECORDS = Number("argosy_archive_records_total", "Records read from them", (), (ARCHIVE,))

METRICS: tuple[Metric, ...] = tuple(each for each in tuple(globals().values()) if isinstance(each, Metric))


def forget() -> None:
    """Begin counting anew."""
    for metric in METRICS:
        if isinstance(metric, Number | Histogram):
            metric.reset()
