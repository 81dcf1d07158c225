"""An alert from its raising to its end: told once, repeated if asked for, resolved, armed again, silenced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clients.alerts.chosen import rules_of
from processors.alerts import Alerts, RuleFile
from processors.alerts.tables import missing_table, probes_table, spans_table
from topics.alerts import RAISED, REPEATED, RESOLVED, Alert, alert_key, alert_partition, decode_alert, encode_alert
from topics.batch import FlowBatch, Observer, records_like
from topics.errors import DecodeError
from topics.probe_status import ProbeStatus
from topics.spans import SpanFinding

SECOND = 1_000_000_000
BEGIN = 1_773_133_200 * SECOND  # 2026-03-10 09:00:00 UTC, a Tuesday
POINT = Observer("site", "edge", "eth0")


def flows(*times: float, port: int = 80, octets: int = 100) -> FlowBatch:
    """A flow of TCP from 10.0.0.1 to 10.0.0.2 at each time (s)."""
    records = records_like(len(times))
    records["src_first"] = records["src_last"] = records["flow_start"] = [BEGIN + int(time * SECOND) for time in times]
    records["ethertype"], records["protocol"], records["dst_port"] = 0x0800, 6, port
    for name, host in (("src_address", 1), ("dst_address", 2)):
        records[name] = np.frombuffer(bytes(10) + b"\xff\xff\x0a\0\0" + bytes([host]), np.uint8)
    records["src_packets"], records["src_bytes"] = 1, octets
    records["observer"] = POINT.id
    records["flow_id"][:, 0] = np.arange(len(times)) + 1
    return FlowBatch(records, site="site", probe="edge", observers={POINT.id: POINT})


def told(said: dict[str, Any], batch: FlowBatch, until: float = 0, **file: Any) -> list[Alert]:
    read = RuleFile.model_validate({"rules": [{"name": "one"} | said]} | file)
    engine = Alerts(read.rules, read.silences)
    engine.process(batch)
    return engine.flush() + engine.advance(BEGIN + int(until * SECOND))


def test_an_alert_has_all_that_is_known() -> None:
    rule = {"summary": "{saddr} sent {bytes} bytes to port {dport}", "by": ["saddr", "dport"], "tags": {"team": "soc"}}
    [alert] = told(rule | {"match": "tcp", "severity": "high"}, flows(1.0, 1.1))
    assert alert.summary == "10.0.0.1 sent 200 bytes to port 80"
    assert (alert.state, alert.severity, alert.count, alert.packets) == (RAISED, "high", 2, 2)
    assert alert.subject == (("saddr", "10.0.0.1"), ("dport", "80"))
    assert (alert.first, alert.last) == (BEGIN + SECOND, BEGIN + SECOND + SECOND // 10)
    assert alert.flow_ids == (bytes([1]) + bytes(15),)
    assert alert.query == "-t 1773133201+1s - '(tcp) and saddr = 10.0.0.1 and dport = 80'"
    assert alert.tags == {"team": "soc"}


def test_it_is_told_once_resolved_when_quiet_and_armed_again() -> None:
    alerts = told({"quiet": "10s"}, flows(0, 3, 9, 30), until=100)
    states = [(alert.state, (alert.time - BEGIN) / SECOND, alert.count, alert.revision) for alert in alerts]
    assert states == [(RAISED, 0.25, 1, 0), (RESOLVED, 19.25, 3, 1), (RAISED, 30.25, 1, 0), (RESOLVED, 40.25, 1, 1)]
    assert alerts[0].id == alerts[1].id != alerts[2].id


def test_it_is_repeated_only_as_often_as_asked_for() -> None:
    alerts = told({"quiet": "1m", "repeat": "10s"}, flows(*range(25)))
    assert [(alert.state, alert.count) for alert in alerts] == [(RAISED, 1), (REPEATED, 11), (REPEATED, 21)]


@pytest.mark.parametrize(
    ("silence", "count"),
    [
        ({}, 0),
        ({"rule": "on.*"}, 0),
        ({"rule": "two"}, 1),
        ({"subject": {"saddr": "10[.]0[.]0[.]1"}}, 0),
        ({"subject": {"saddr": "10[.]0[.]0[.]2"}}, 1),
        ({"subject": {"dport": "80"}}, 1),
        ({"until": "2026-03-10T09:00:10Z"}, 1),
        ({"since": "2026-03-10T08:00:00", "until": "2026-03-10T10:00:00"}, 0),
        ({"hours": "08:00-10:00", "days": ["tue"]}, 0),
        ({"hours": "22:00-06:00"}, 1),
        ({"days": ["wed"]}, 1),
    ],
)
def test_silences_are_about_rules_subjects_and_times(silence: dict[str, Any], count: int) -> None:
    assert len(told({}, flows(5, 15), silences=[silence])) == count


def test_a_threshold_is_about_a_window_and_tells_of_all_of_it() -> None:
    said = {"threshold": {"sum": "bytes", "over": 250, "within": "10s"}}
    assert told(said, flows(0, 8, 16, 24)) == []
    [alert] = told(said, flows(0, 4, 8))
    assert (alert.count, alert.value, alert.limit, alert.first) == (3, 300.0, 250.0, BEGIN)


def test_a_rate_is_a_second() -> None:
    assert told({"rate": {"sum": "bytes", "above": 30, "within": "10s"}}, flows(0, 4, 8)) == []
    [alert] = told({"rate": {"sum": "bytes", "above": 29, "within": "10s"}}, flows(0, 4, 8))
    assert (alert.value, alert.limit) == (30.0, 29.0)


def test_a_sequence_has_an_order() -> None:
    said = {"match": "dst port 80", "sequence": {"then": "dst port 443", "within": "10s"}}
    read = RuleFile.model_validate({"rules": [{"name": "one"} | said]}).rules
    for first, then, count in ((1.0, 5.0, 1), (5.0, 1.0, 0), (1.0, 20.0, 0)):
        engine = Alerts(read)
        engine.process(flows(first, port=80))
        engine.process(flows(then, port=443))
        assert len(engine.flush()) == count


def test_who_falls_silent_is_told_and_resolved_when_back() -> None:
    alerts = told({"absence": {"after": "20s"}, "by": "sid", "quiet": "1s"}, flows(0, 10, 50), until=60)
    states = [(alert.state, (alert.time - BEGIN) / SECOND) for alert in alerts]
    assert states == [(RAISED, 30.25), (RESOLVED, 50.25)]
    assert alerts[0].about == "sid=edge"


def status(time: int, **counts: Any) -> ProbeStatus:
    return ProbeStatus(
        site="site", probe="edge", boot_id=1, runs=1, sequence=0, cause="status", time=BEGIN + time * SECOND, started=0,
        live=True, version="1", configuration="", status_interval=5, probe_status_interval=60, packets=1, bytes=1,
        flows=1, records=1, record_packets=1, active_flows=1, max_flows=9, evicted=counts.pop("evicted", 0), **counts,
    )  # fmt: skip


def test_the_starter_set_sees_what_keeps_the_audit_from_being_whole() -> None:
    engine = Alerts(rules_of([]).rules)
    statuses = [status(0), status(60, dropped={"kernel": 5}), status(120, dropped={"kernel": 5}, evicted=3),
                status(180, output={"dropped_full": 7, "delivered": 9}, dropped={"kernel": 5}, evicted=3)]  # fmt: skip
    engine.process_table("probes", probes_table(statuses))
    engine.process_table("probes", missing_table(BEGIN + 200 * SECOND, "site", "edge", 2))
    found = {alert.rule: alert for alert in engine.advance(BEGIN + 1000 * SECOND, "probes") if alert.state == RAISED}
    values = {name: alert.value for name, alert in found.items()}
    assert values == {"packets-dropped": 5, "flows-evicted": 3, "records-lost": 7, "batches-missing": 2,
                      "probe-silent": 300}  # fmt: skip
    finding = SpanFinding(
        "site", "edge", "eth0", 1, "raised", BEGIN, BEGIN, 5, 5, 1, 0, False, 100, 50, 0, 0, 0, [], "both ways"
    )
    engine.process_table("spans", spans_table([finding]))
    [alert] = engine.flush()
    assert alert.summary == "the mirror port at edge eth0 is faulty: both ways"


def test_alerts_are_read_as_they_were_written() -> None:
    [alert] = told({"by": ["saddr", "dport"]}, flows(1.0))
    assert decode_alert(encode_alert(alert)) == alert
    assert alert_key(alert) == b"one saddr=10.0.0.1 dport=80"
    assert 0 <= alert_partition(alert, 3) < 3
    with pytest.raises(DecodeError):
        decode_alert(encode_alert(alert)[:-5])
    with pytest.raises(DecodeError):
        decode_alert(b"nothing")
