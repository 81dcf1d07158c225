import pytest

from topics.metrics.instrument import COUNTER, GAUGE, HISTOGRAM, Histogram, Metric, Number
from topics.metrics.programs import EVERY
from topics.metrics.table import METRICS


def test_numbers_are_kept_by_labels() -> None:
    plain, number = Number("argosy_a_total", "a"), Number("argosy_b", "b", ("topic", "partition"))
    assert (plain.read(), number.read()) == ({(): 0.0}, {})
    plain.add(2)
    plain.add(3)
    number.set(1, "x", "0")
    number.set(2, "x", "1")
    number.set(7, "y", "0")
    number.replace({("x", "2"): 5.0}, "x")
    assert plain.read() == {(): 5}
    assert number.read() == {("x", "2"): 5.0, ("y", "0"): 7}
    assert (plain.kind, number.kind) == (COUNTER, GAUGE)


def test_a_bucket_holds_what_is_as_high_as_its_bound() -> None:
    histogram = Histogram("argosy_c_seconds", "c", ("stage",), (), (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value, "merge")
    histogram.merge([0, 1, 1], 5.0, "merge")
    (found,) = histogram.read().values()
    assert (found.counts, found.sum) == ([2, 2, 2], 17.0)
    assert histogram.kind == HISTOGRAM


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert metric.name.startswith(("argosy_", "process_"))
    assert metric.text.strip(".") == metric.text != ""
    assert metric.programs
    assert set(metric.programs) <= set(EVERY)
    assert len(set(metric.labels)) == len(metric.labels)
    assert not {"le", "quantile", "job", "instance"} & set(metric.labels)
    assert not any(unit in metric.name.split("_") for unit in ("ms", "milliseconds", "kb", "percent", "minutes"))
    if metric.kind == HISTOGRAM:
        assert metric.name.endswith("_seconds")
    if "timestamp" in metric.name:
        assert metric.name.endswith("_timestamp_seconds")


def test_each_name_is_declared_once() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
