"""Probes: what they see, drop and keep."""

from __future__ import annotations

from deploy.grafana.panels import Dashboard, Panel, Query
from deploy.grafana.queries import HERE, PROBES, quantile, rate

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
