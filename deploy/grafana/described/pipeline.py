"""The pipeline: where records wait, and for how long."""

from __future__ import annotations

from deploy.grafana.panels import Dashboard, Panel, Query
from deploy.grafana.queries import JOBS, OF_JOBS, quantile, rate

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
                    "Paused, without database or room",
                    "1 while a consumer takes nothing, its database is away, or its disk is full.",
                    (
                        Query(f"max by (job) (argosy_consumer_paused{OF_JOBS})", "{{job}} paused"),
                        Query(f"max by (job) (argosy_sink_database_away{OF_JOBS})", "{{job}} without database"),
                        Query(f"max by (job) (argosy_sink_disk_full{OF_JOBS})", "{{job}} without room"),
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
