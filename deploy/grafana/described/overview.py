"""The overview: whether all is well, and where to look when it is not."""

from __future__ import annotations

from deploy.grafana.panels import TABLE, Dashboard, Panel, Query
from deploy.grafana.queries import quantile, rate, stat

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
