"""DNS: questions, failures, delays."""

from __future__ import annotations

from deploy.grafana.panels import Dashboard, Panel, Query
from deploy.grafana.queries import quantile, rate

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
