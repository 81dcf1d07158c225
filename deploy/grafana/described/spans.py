"""Mirror ports: copies of packets, and what is wrong with the feed."""

from __future__ import annotations

from deploy.grafana.panels import TABLE, Dashboard, Panel, Query
from deploy.grafana.queries import HERE, PROBES, rate, stat

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
