"""Traffic: what the flows add up to."""

from __future__ import annotations

from deploy.grafana.panels import Dashboard, Panel, Query
from deploy.grafana.queries import rate

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
