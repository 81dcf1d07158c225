"""The dashboards: from the overview, which tells whether all is well, to those that tell why not."""

from __future__ import annotations

from deploy.grafana.panels import STAT, TABLE, Dashboard, Panel, Query

PROBES = {"instance": "label_values(argosy_probe_info, instance)"}
JOBS = {"job": 'label_values(argosy_build_info{job=~"argosy-.*"}, job)'}
RAISED = 'argosy_alerts_published_total{state="raised"}'
HERE, OF_JOBS = '{instance=~"$instance"}', '{job=~"$job"}'


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return how fast a counter grows, summed by some labels."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{where}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str, where: str = "") -> str:
    """Return a quantile of a histogram by some labels, or none."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{where}[$__rate_interval])))"


def stat(title: str, text: str, expression: str, unit: str = "short", bad: float | None = None) -> Panel:
    """Return a panel with one number, six in a row."""
    return Panel(title, text, (Query(expression),), unit, STAT, 6, bad)


OVERVIEW = Dashboard(
    "overview",
    "overview",
    "Whether all is well, and where to look when it is not.",
    (
        (
            "Now",
            (
                stat("Programs up", "Programs that answer when asked for metrics.", 'sum(up{job=~"argosy-.*"})'),
                stat("Not ready", "Programs that say they cannot do their work.", "sum(1 - argosy_ready)", bad=1),
                stat("Packets", "Packets that all probes look at.", rate("argosy_probe_packets_total"), "pps"),
                stat("Flows", "Flows that workers put out.", rate("argosy_worker_flows_total"), "ops"),
                stat(
                    "Messages behind",
                    "Messages that no consumer has read yet.",
                    "sum(argosy_consumer_lag_messages)",
                    bad=10_000,
                ),
                stat(
                    "Alerts raised",
                    "Alerts of the last hour.",
                    'sum(increase(argosy_alerts_published_total{state="raised"}[1h]))',
                    bad=1,
                ),
            ),
        ),
        (
            "Through the pipeline",
            (
                Panel(
                    "Records a second",
                    "Status records as probes report them, workers merge them, and flows as sinks take them.",
                    (
                        Query(rate("argosy_probe_records_total"), "reported by probes"),
                        Query(rate("argosy_worker_records_total"), "merged by workers"),
                        Query(rate("argosy_worker_flows_total"), "flows put out"),
                        Query(rate("argosy_sink_records_total", "job"), "taken by {{job}}"),
                    ),
                    "ops",
                ),
                Panel(
                    "How late stages are, 99th percentile",
                    "Now less the time of the newest packet of a batch, as it leaves a stage.",
                    (Query(quantile(0.99, "argosy_packet_age_seconds", "stage"), "{{stage}}"),),
                    "s",
                ),
                Panel(
                    "Losses",
                    "Packets and records lost anywhere: all zero when all is well.",
                    (
                        Query(rate("argosy_probe_dropped_packets_total", "cause"), "packets: {{cause}}"),
                        Query(rate("argosy_probe_lost_records_total", "cause"), "records: {{cause}}"),
                        Query(rate("argosy_worker_missing_batches_total", "probe"), "batches missing from {{probe}}"),
                        Query(rate("argosy_consumer_dead_letters_total", "topic"), "dead letters of {{topic}}"),
                    ),
                    "ops",
                ),
                Panel(
                    "Warnings and errors logged",
                    "Lines of logs that somebody should read.",
                    (
                        Query(
                            rate("argosy_log_lines_total", "job, level", '{level=~"warning|error"}'),
                            "{{job}} {{level}}",
                        ),
                    ),
                    "ops",
                ),
            ),
        ),
        (
            "Programs",
            (
                Panel(
                    "What runs",
                    "Program, version and Python by process.",
                    (Query("argosy_build_info"),),
                    kind=TABLE,
                ),
                Panel(
                    "Processors",
                    "Cores in use.",
                    (
                        Query(
                            'sum by (job) (rate(process_cpu_seconds_total{job=~"argosy-.*"}[$__rate_interval]))',
                            "{{job}}",
                        ),
                    ),
                    "short",
                ),
                Panel(
                    "Memory",
                    "Resident memory.",
                    (
                        Query(
                            'sum by (job, instance) (process_resident_memory_bytes{job=~"argosy-.*"})',
                            "{{job}} {{instance}}",
                        ),
                    ),
                    "bytes",
                ),
                Panel(
                    "Idle loops",
                    "Seconds since the slowest loop of a program turned: 120 is taken for dead.",
                    (Query("max by (job, instance) (argosy_loop_idle_seconds)", "{{job}} {{instance}}"),),
                    "s",
                    bad=120,
                ),
            ),
        ),
    ),
)

PROBE = Dashboard(
    "probes",
    "probes",
    "What probes see, hold, lose and send.",
    (
        (
            "Packets",
            (
                Panel(
                    "Packets",
                    "Packets looked at.",
                    (
                        Query(
                            rate("argosy_probe_packets_total", "instance, interface", HERE),
                            "{{instance}} {{interface}}",
                        ),
                    ),
                    "pps",
                ),
                Panel(
                    "Bytes",
                    "Their bytes on the wire.",
                    (
                        Query(
                            rate("argosy_probe_bytes_total", "instance, interface", HERE), "{{instance}} {{interface}}"
                        ),
                    ),
                    "Bps",
                ),
                Panel(
                    "Dropped packets",
                    "Packets lost or left out before they were looked at; filtered and out_of_range were meant to be.",
                    (
                        Query(
                            rate("argosy_probe_dropped_packets_total", "instance, cause", HERE),
                            "{{instance}} {{cause}}",
                        ),
                        Query(
                            rate("argosy_probe_interface_dropped_packets_total", "instance, interface", HERE),
                            "{{instance}} {{interface}}: no room",
                        ),
                    ),
                    "pps",
                ),
                Panel(
                    "Odd packets",
                    "Packets not understood in full, by what was odd.",
                    (Query(rate("argosy_probe_odd_packets_total", "instance, kind", HERE), "{{instance}} {{kind}}"),),
                    "pps",
                ),
                Panel(
                    "Age of the newest packet",
                    "An interface that sees nothing grows old.",
                    (
                        Query(
                            f"time() - argosy_probe_last_packet_timestamp_seconds{HERE}", "{{instance}} {{interface}}"
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Clock less packets",
                    "Clock of the host less time of the newest packet.",
                    (Query(f"argosy_probe_clock_offset_seconds{HERE}", "{{instance}}"),),
                    "s",
                ),
            ),
        ),
        (
            "Flows",
            (
                Panel(
                    "Flow table, share in use",
                    "From 1 on the least recently seen flows are reported early.",
                    (Query(f"argosy_probe_active_flows{HERE} / argosy_probe_max_flows{HERE}", "{{instance}}"),),
                    "percentunit",
                    bad=0.9,
                ),
                Panel(
                    "Flows and records",
                    "Flows begun, evicted and records reported.",
                    (
                        Query(rate("argosy_probe_flows_total", "instance", HERE), "{{instance}} begun"),
                        Query(rate("argosy_probe_evicted_flows_total", "instance", HERE), "{{instance}} evicted"),
                        Query(rate("argosy_probe_records_total", "instance", HERE), "{{instance}} records"),
                    ),
                    "ops",
                ),
                Panel(
                    "Time to observe and to write a batch, 99th percentile",
                    "Kernels over a block of packets; outputs over a batch of records.",
                    (
                        Query(
                            quantile(
                                0.99,
                                "argosy_batch_duration_seconds",
                                "instance, stage",
                                '{instance=~"$instance", stage=~"observe|write"}',
                            ),
                            "{{instance}} {{stage}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Control plane",
                    "Payloads kept, by protocol.",
                    (Query(rate("argosy_probe_control_payloads_total", "protocol", HERE), "{{protocol}}"),),
                    "ops",
                ),
            ),
        ),
        (
            "To the bus",
            (
                Panel(
                    "Spool, share in use",
                    "From 1 on the oldest batches go first, counted as lost.",
                    (
                        Query(
                            f"argosy_probe_spooled_bytes{HERE} / argosy_probe_spool_limit_bytes{HERE}", "{{instance}}"
                        ),
                    ),
                    "percentunit",
                    bad=0.8,
                ),
                Panel(
                    "Messages that wait",
                    "In the spool.",
                    (Query(f"argosy_probe_spooled_messages{HERE}", "{{instance}}"),),
                ),
                Panel(
                    "Records offered, delivered and lost",
                    "What became of records on the way to the bus.",
                    (
                        Query(rate("argosy_probe_offered_records_total", "instance", HERE), "{{instance}} offered"),
                        Query(rate("argosy_probe_delivered_records_total", "instance", HERE), "{{instance}} delivered"),
                        Query(
                            rate("argosy_probe_lost_records_total", "instance, cause", HERE),
                            "{{instance}} lost: {{cause}}",
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Brokers out of reach",
                    "1 while brokers take nothing.",
                    (Query(f"argosy_probe_bus_trouble{HERE}", "{{instance}}"),),
                ),
            ),
        ),
        (
            "Exporters of flow records",
            (
                Panel(
                    "Records",
                    "Flow records taken from each.",
                    (
                        Query(
                            f"topk(20, {rate('argosy_probe_exporter_records_total', 'exporter', HERE)})", "{{exporter}}"
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Oddities",
                    "What could not be used, by kind.",
                    (Query(rate("argosy_probe_exporter_oddities_total", "kind", HERE), "{{kind}}"),),
                    "ops",
                ),
            ),
        ),
    ),
    PROBES,
)

PIPELINE = Dashboard(
    "pipeline",
    "pipeline lag",
    "How far behind each consumer is, and what holds it up.",
    (
        (
            "Lag",
            (
                Panel(
                    "Messages behind",
                    "By consumer group and topic.",
                    (Query(f"sum by (topic, group) (argosy_consumer_lag_messages{OF_JOBS})", "{{topic}} {{group}}"),),
                ),
                Panel(
                    "Seconds behind",
                    "Age of the message read last while others wait.",
                    (Query(f"max by (topic, group) (argosy_consumer_lag_seconds{OF_JOBS})", "{{topic}} {{group}}"),),
                    "s",
                ),
                Panel(
                    "Worst partitions",
                    "Messages behind.",
                    (Query(f"topk(10, argosy_consumer_lag_messages{OF_JOBS})", "{{topic}} {{partition}} {{group}}"),),
                ),
                Panel(
                    "Partitions assigned",
                    "By process: even shares are best.",
                    (Query(f"argosy_consumer_partitions{OF_JOBS}", "{{instance}} {{topic}}"),),
                ),
            ),
        ),
        (
            "Work",
            (
                Panel(
                    "Messages read",
                    "By topic and program.",
                    (Query(rate("argosy_consumer_messages_total", "job, topic", OF_JOBS), "{{job}} {{topic}}"),),
                    "ops",
                ),
                Panel(
                    "Bytes read and produced",
                    "By topic.",
                    (
                        Query(rate("argosy_consumer_bytes_total", "topic", OF_JOBS), "read from {{topic}}"),
                        Query(rate("argosy_producer_bytes_total", "topic", OF_JOBS), "produced to {{topic}}"),
                    ),
                    "Bps",
                ),
                Panel(
                    "Time for a batch, median and 99th percentile",
                    "By stage.",
                    (
                        Query(quantile(0.5, "argosy_batch_duration_seconds", "stage", OF_JOBS), "{{stage}} p50"),
                        Query(quantile(0.99, "argosy_batch_duration_seconds", "stage", OF_JOBS), "{{stage}} p99"),
                    ),
                    "s",
                ),
                Panel(
                    "Packet to stage, median and 99th percentile",
                    "Now less the time of the newest packet of a batch.",
                    (
                        Query(quantile(0.5, "argosy_packet_age_seconds", "stage", OF_JOBS), "{{stage}} p50"),
                        Query(quantile(0.99, "argosy_packet_age_seconds", "stage", OF_JOBS), "{{stage}} p99"),
                    ),
                    "s",
                ),
            ),
        ),
        (
            "What waits",
            (
                Panel(
                    "Not acknowledged by workers",
                    "Messages read and not committed: they would be read again.",
                    (Query(f"argosy_worker_unacknowledged_messages{OF_JOBS}", "{{instance}}"),),
                ),
                Panel(
                    "Held by sinks",
                    "Bytes taken that do not last yet.",
                    (Query(f"argosy_sink_held_bytes{OF_JOBS}", "{{job}} {{instance}}"),),
                    "bytes",
                ),
                Panel(
                    "Paused or without database",
                    "1 while a consumer takes nothing, or its database is away.",
                    (
                        Query(f"max by (job) (argosy_consumer_paused{OF_JOBS})", "{{job}} paused"),
                        Query(f"max by (job) (argosy_sink_database_away{OF_JOBS})", "{{job}} without database"),
                    ),
                ),
                Panel(
                    "Event time behind, by probe",
                    "Now less the time up to which flows of a probe are complete.",
                    (
                        Query(
                            f"time() - min by (site, probe) (argosy_worker_watermark_timestamp_seconds{OF_JOBS} < 4e9)",
                            "{{site}} {{probe}}",
                        ),
                    ),
                    "s",
                ),
            ),
        ),
        (
            "Losses and doubles",
            (
                Panel(
                    "Missing and replayed batches",
                    "Batches of probes that did not come, and those that came again and were left out.",
                    (
                        Query(
                            rate("argosy_worker_missing_batches_total", "site, probe", OF_JOBS),
                            "missing: {{site}} {{probe}}",
                        ),
                        Query(rate("argosy_worker_replayed_batches_total", "job", OF_JOBS), "{{job}} replayed"),
                    ),
                    "ops",
                ),
                Panel(
                    "Dead letters",
                    "Messages that could not be read.",
                    (Query(rate("argosy_consumer_dead_letters_total", "job, topic", OF_JOBS), "{{job}} {{topic}}"),),
                    "ops",
                ),
            ),
        ),
    ),
    JOBS,
)

SPANS = Dashboard(
    "spans",
    "SPAN health",
    "Mirror ports that show packets more than once, and whether packets of mirrors are lost.",
    (
        (
            "Faults",
            (
                stat(
                    "Faults that stand",
                    "Mirror ports found to be faulty.",
                    f"sum(argosy_probe_mirror_faults{HERE})",
                    bad=1,
                ),
                stat(
                    "Raised in a day",
                    "Findings raised.",
                    'sum(increase(argosy_probe_span_findings_total{instance=~"$instance", state="raised"}[1d]))',
                    bad=1,
                ),
                stat(
                    "Cleared in a day",
                    "Findings cleared.",
                    'sum(increase(argosy_probe_span_findings_total{instance=~"$instance", state="cleared"}[1d]))',
                ),
                stat(
                    "Worst share of copies",
                    "Copies to each packet of the worst mirror port.",
                    f"max(argosy_probe_mirrored_ratio{HERE})",
                    "percentunit",
                    0.01,
                ),
            ),
        ),
        (
            "By mirror port",
            (
                Panel(
                    "Copies to each packet",
                    "Only of mirror ports found to be faulty.",
                    (
                        Query(
                            f"argosy_probe_mirrored_ratio{HERE}",
                            "{{instance}} {{interface}} VLAN {{vlan}}, copy {{copy_vlan}}",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "How much later copies come",
                    "On the mean.",
                    (Query(f"argosy_probe_mirrored_lag_seconds{HERE}", "{{instance}} {{interface}} VLAN {{vlan}}"),),
                    "s",
                ),
                Panel(
                    "Faults",
                    "Each with its VLANs, steps of TTL, and what differs (docs/explanation/duplicates.md).",
                    (Query(f"argosy_probe_mirrored_ratio{HERE}"),),
                    kind=TABLE,
                    in_row=1,
                ),
            ),
        ),
        (
            "Packets of mirrors that never came",
            (
                Panel(
                    "No room in the kernel",
                    "Packets that the host of the probe had no room for.",
                    (
                        Query(
                            rate("argosy_probe_interface_dropped_packets_total", "instance, interface", HERE),
                            "{{instance}} {{interface}}",
                        ),
                    ),
                    "pps",
                ),
                Panel(
                    "Bytes on mirror ports",
                    "Both directions of a full link need two links of its speed.",
                    (
                        Query(
                            rate("argosy_probe_bytes_total", "instance, interface", HERE), "{{instance}} {{interface}}"
                        ),
                    ),
                    "Bps",
                ),
            ),
        ),
    ),
    PROBES,
)

TRAFFIC = Dashboard(
    "traffic",
    "traffic",
    "What is on the wire, as flows and by protocol. Who with whom: ask argosy ra, ratop or ragraph.",
    (
        (
            "On the wire",
            (
                Panel("Bits", "On all interfaces.", (Query(f"8 * {rate('argosy_probe_bytes_total')}", "all"),), "bps"),
                Panel("Packets", "On all interfaces.", (Query(rate("argosy_probe_packets_total"), "all"),), "pps"),
                Panel(
                    "Mean packet size",
                    "Bytes to a packet.",
                    (Query(f"{rate('argosy_probe_bytes_total')} / {rate('argosy_probe_packets_total')}", "bytes"),),
                    "bytes",
                ),
                Panel("New flows", "Flows begun.", (Query(rate("argosy_probe_flows_total"), "all"),), "ops"),
            ),
        ),
        (
            "Merged flows",
            (
                Panel(
                    "Flows by protocol",
                    "Flows that workers put out.",
                    (Query(rate("argosy_worker_flows_total", "protocol"), "{{protocol}}"),),
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Bits by protocol",
                    "As flows are complete: later than on the wire, by as long as they last.",
                    (Query(f"8 * {rate('argosy_worker_flow_bytes_total', 'protocol')}", "{{protocol}}"),),
                    "bps",
                    stacked=True,
                ),
                Panel(
                    "Packets by protocol",
                    "In these flows.",
                    (Query(rate("argosy_worker_flow_packets_total", "protocol"), "{{protocol}}"),),
                    "pps",
                    stacked=True,
                ),
                Panel(
                    "Flows with labels, names and owners",
                    "Flows that lists, DNS and events told something of.",
                    (
                        Query(rate("argosy_worker_labelled_flows_total"), "labelled"),
                        Query(rate("argosy_worker_named_flows_total"), "named"),
                        Query(rate("argosy_worker_attributed_flows_total"), "attributed"),
                    ),
                    "ops",
                ),
            ),
        ),
    ),
)

DNS = Dashboard(
    "dns",
    "DNS",
    "How well names resolve, and whether they are learnt in time.",
    (
        (
            "Transactions",
            (
                Panel(
                    "By outcome",
                    "What became of queries.",
                    (Query(rate("argosy_dns_transactions_total", "outcome"), "{{outcome}}"),),
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Share without a good answer",
                    "Of queries; names that do not exist are an answer.",
                    (
                        Query(
                            'sum(rate(argosy_dns_transactions_total{outcome!~"ok|nxdomain"}[$__rate_interval])) / '
                            + rate("argosy_dns_transactions_total"),
                            "failed",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Time to answer",
                    "Median, 95th and 99th percentile.",
                    tuple(
                        Query(
                            quantile(share, "argosy_dns_answer_duration_seconds", ""),
                            name,
                        )
                        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
                    ),
                    "s",
                ),
                Panel(
                    "Asked again",
                    "Queries that were repeated.",
                    (Query(rate("argosy_dns_retries_total"), "again"),),
                    "ops",
                ),
            ),
        ),
        (
            "Names",
            (
                Panel(
                    "Names published",
                    "By argosy names.",
                    (Query(rate("argosy_names_published_total"), "names"),),
                    "ops",
                ),
                Panel(
                    "How late names are, 99th percentile",
                    "Now less the time of the newest payload.",
                    (
                        Query(
                            quantile(0.99, "argosy_packet_age_seconds", "", '{stage="named"}'),
                            "named",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Names do not move on",
                    "1 while workers let flows go without waiting for names.",
                    (Query("max by (instance) (argosy_worker_names_stalled)", "{{instance}}"),),
                ),
                Panel(
                    "Payloads of DNS",
                    "As probes keep them.",
                    (
                        Query(
                            rate("argosy_probe_control_payloads_total", "instance", '{protocol="dns"}'), "{{instance}}"
                        ),
                    ),
                    "ops",
                ),
            ),
        ),
    ),
)

ALERTS = Dashboard(
    "alerts",
    "alerts",
    "What rules found on the network, and whether it reached people.",
    (
        (
            "Found",
            (
                Panel(
                    "Raised by severity",
                    "Alerts raised.",
                    (
                        Query(
                            f"sum by (severity) (increase({RAISED}[$__rate_interval]))",
                            "{{severity}}",
                        ),
                    ),
                    stacked=True,
                ),
                Panel(
                    "Rules that raise most",
                    "Alerts of the last hour.",
                    (Query(f"topk(15, sum by (rule, severity) (increase({RAISED}[1h])))"),),
                    kind=TABLE,
                ),
                Panel(
                    "Messages by state",
                    "Raised, repeated, resolved.",
                    (Query(rate("argosy_alerts_published_total", "state"), "{{state}}"),),
                    "ops",
                ),
                Panel(
                    "Silenced and suppressed",
                    "Findings that nobody was told of, for a silence or since their alert was open.",
                    (
                        Query(rate("argosy_alerts_silenced_total"), "silenced"),
                        Query(rate("argosy_alerts_suppressed_total"), "suppressed"),
                    ),
                    "ops",
                ),
            ),
        ),
        (
            "Evaluated",
            (
                Panel(
                    "Records looked at",
                    "By all rules.",
                    (Query(rate("argosy_alerts_records_total"), "records"),),
                    "ops",
                ),
                Panel(
                    "Late, forced, evicted",
                    "What rules may have missed.",
                    (
                        Query(rate("argosy_alerts_late_total"), "late"),
                        Query(rate("argosy_alerts_forced_total"), "forced"),
                        Query(rate("argosy_alerts_evicted_total"), "evicted"),
                    ),
                    "ops",
                ),
            ),
        ),
        (
            "Delivered",
            (
                Panel(
                    "By channel",
                    "What became of alerts.",
                    (Query(rate("argosy_delivery_alerts_total", "channel, outcome"), "{{channel}} {{outcome}}"),),
                    "ops",
                ),
                Panel(
                    "Tried again",
                    "Attempts that failed.",
                    (Query(rate("argosy_delivery_retries_total", "channel"), "{{channel}}"),),
                    "ops",
                ),
                Panel(
                    "Packet to person, 99th percentile",
                    "From the last packet of an alert to its delivery.",
                    (
                        Query(
                            quantile(0.99, "argosy_packet_age_seconds", "", '{stage="delivered"}'),
                            "delivered",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Messages that wait",
                    "By channel.",
                    (Query('sum by (group) (argosy_consumer_lag_messages{job="argosy-sink-alerts"})', "{{group}}"),),
                ),
            ),
        ),
    ),
)

DASHBOARDS = (OVERVIEW, PROBE, PIPELINE, SPANS, TRAFFIC, DNS, ALERTS)
