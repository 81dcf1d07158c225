"""Metrics as Prometheus takes them: what the program has counted, and what is read from its state when asked."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from topics.metrics import table
from topics.metrics.instrument import COUNTER, Histogram, Number
from topics.metrics.vitals import VITALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from topics.metrics.instrument import Distribution, Labels, Metric

Reading = tuple["Metric", "Mapping[Labels, float] | float"]  # with its values by labels, or its only one


class Exposition(Collector):
    """All metrics of a program: what belongs to every one, what it has counted, and what `readings` says."""

    def __init__(self, program: str, version: str, readings: Callable[[], Iterable[Reading]] = tuple) -> None:
        self._program, self._version, self._readings = program, version, readings

    def collect(self) -> Iterator[Family]:
        """Yield the metrics of this moment."""
        read = {metric.name: _number(metric, values) for metric, values in (*self._own(), *self._readings())}
        yield from read.values()
        for metric in table.METRICS:
            if metric.name not in read and (family := self._counted(metric)) is not None:
                yield family

    def _own(self) -> Iterator[Reading]:
        yield table.BUILD_INFO, {(self._program, self._version, platform.python_version()): 1}
        yield table.HEALTHY, float(all(check.ok for check in VITALS.alive()))
        yield table.READY, float(all(check.ok for check in VITALS.ready()))
        yield table.IDLE, VITALS.idle_seconds

    def _counted(self, metric: Metric) -> Family | None:
        """Return what was counted; nothing of what other programs have and this one never touched."""
        if isinstance(metric, Number) and (metric.values or self._program in metric.programs):
            return _number(metric, metric.read())
        if isinstance(metric, Histogram) and (found := metric.read()):
            return _histogram(metric, found)
        return None


def registry(program: str, version: str, readings: Callable[[], Iterable[Reading]] = tuple) -> CollectorRegistry:
    """Return what Prometheus's library renders: the metrics of a program and of its process."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Exposition(program, version, readings))
    ProcessCollector(registry=made)
    return made


def _number(metric: Metric, values: Mapping[Labels, float] | float) -> Family:
    kind = CounterMetricFamily if metric.kind == COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.text, labels=metric.labels)
    by_labels = values if not isinstance(values, int | float) else {(): values}
    for labels, value in sorted(by_labels.items()):
        family.add_metric(labels, value)
    return family


def _histogram(metric: Histogram, found: Mapping[Labels, Distribution]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, each in sorted(found.items()):
        buckets, count = [], 0
        for bound, more in zip((*map(str, metric.bounds), "+Inf"), each.counts, strict=True):
            count += more
            buckets.append((bound, float(count)))
        family.add_metric(labels, buckets, each.sum)
    return family
