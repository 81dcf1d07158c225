"""The dashboards: from the overview, which tells whether all is well, to those that tell why not."""

from __future__ import annotations

from deploy.grafana.described.alerts import ALERTS
from deploy.grafana.described.dns import DNS
from deploy.grafana.described.overview import OVERVIEW
from deploy.grafana.described.pipeline import PIPELINE
from deploy.grafana.described.probes import PROBE
from deploy.grafana.described.spans import SPANS
from deploy.grafana.described.traffic import TRAFFIC

__all__ = ("DASHBOARDS",)

DASHBOARDS = (OVERVIEW, PROBE, PIPELINE, SPANS, TRAFFIC, DNS, ALERTS)
