"""How the dashboards ask: rates, quantiles, single numbers, and the variables that narrow them."""

from __future__ import annotations

from deploy.grafana.panels import STAT, Panel, Query

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
