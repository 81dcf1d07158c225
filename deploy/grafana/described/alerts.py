"""Alerts: raised, evaluated, delivered."""

from __future__ import annotations

from deploy.grafana.panels import TABLE, Dashboard, Panel, Query
from deploy.grafana.queries import RAISED, quantile, rate

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
