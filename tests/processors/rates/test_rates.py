"""Counters as rates, and what they say of mirror ports."""

from typing import Any

import pytest

from processors.rates import InterfaceCounters, InterfaceRate, Link, SeenBytes, compared, verdict
from tests.clients.flows import SECOND, START, TAP, record
from topics.events import EventRecord


def counts(octets: int, **more: Any) -> dict[str, Any]:
    names = [f"{way}_{what}" for way in ("in", "out") for what in ("octets", "packets", "errors", "discards")]
    return dict.fromkeys(names, 0) | {"in_octets": octets} | more


def netstat(seconds: int, octets: int, name: str = "eth0", **more: Any) -> EventRecord:
    at = START + seconds * SECOND
    body = {"counters": {}, "interfaces": [counts(octets, name=name, **more)]}
    return EventRecord(TAP.site, TAP.probe, 1, seconds, "netstat", "netstat", at, at, body=body)


def snmp(seconds: int, octets: int, bits: int = 64, uptime: int = 1, name: str = "ge7", **more: Any) -> EventRecord:
    at = START + seconds * SECOND
    row = counts(octets, name=name, index=7, type=6, speed=10**9, counter_bits=bits, **more)
    body = {"device": "core", "uptime": uptime + seconds, "interfaces": [row], "neighbours": [], "stations": []}
    return EventRecord(TAP.site, TAP.probe, 1, seconds, "snmp", "snmp", at, at, body=body)


def rates(*events: EventRecord) -> list[InterfaceRate]:
    counters = InterfaceCounters()
    return [rate for event in events for rate in counters.learn(event)]


def test_totals_become_what_passed_between() -> None:
    more: dict[str, Any] = {"out_octets": 20, "in_errors": 3}
    first, second = rates(netstat(0, 500), netstat(10, 1500, **more), netstat(30, 1500, **more))
    assert (first.octets, first.seconds, first.received, first.device) == (1020, 10, (1000, 0, 3, 0), "")
    assert second.last == START + 30 * SECOND


def test_counters_of_32_bits_begin_again_and_others_were_reset() -> None:
    (wrapped,) = rates(snmp(0, 2**32 - 100, bits=32), snmp(10, 100, bits=32))
    assert wrapped.octets == 200
    assert rates(snmp(0, 1000), snmp(10, 100)) == []
    assert rates(netstat(0, 1000), netstat(10, 100)) == []
    assert rates(snmp(0, 1000, bits=32, uptime=500), snmp(10, 1100, bits=32, uptime=1)) == []


def test_what_a_loopback_interface_sends_it_receives() -> None:
    (loopback,) = rates(netstat(0, 0, "lo"), netstat(10, 800, "lo", out_octets=800))
    assert loopback.octets == 800


@pytest.mark.parametrize(
    ("counted", "least", "most", "expected"),
    [
        (1e6, 0, 0, "blind"),
        (1e6, 5e5, 5e5, "partial"),
        (1e6, 9.5e5, 9.5e5, "fine"),
        (1e6, 1.1e6, 1.1e6, "fine"),
        (1e6, 5e5, 2e6, "fine"),
        (1e6, 1.5e6, 1.6e6, "excess"),
        (1e6, 2e6, 2e6, "doubled"),
        (100, 100, 100, "idle"),
        (0, 0, 1e6, "idle"),
        (0, 1e6, 1e6, "excess"),
    ],
)
def test_verdicts(counted: float, least: float, most: float, expected: str) -> None:
    assert verdict(counted, least, most) == expected


def seen(octets: int) -> SeenBytes:
    """Ten seconds with so many bytes, half of them copies, evenly."""
    batch = record(0)
    batch.records["src_bytes"] = batch.records["src_duplicate_bytes"] = octets // 2
    batch.records["src_first"], batch.records["src_last"] = START, START + 10 * SECOND
    found = SeenBytes()
    found.add(batch)
    return found


def test_bytes_of_a_record_are_spread_over_its_time_with_its_copies() -> None:
    ten = seen(1000)
    assert ten.between(TAP, START, START + 10 * SECOND) == pytest.approx(1000)
    assert ten.between(TAP, START + 2 * SECOND, START + 5 * SECOND) == pytest.approx(300)
    assert ten.between(TAP, START + 20 * SECOND, START + 30 * SECOND) == 0


def test_an_interface_of_the_host_is_compared_by_its_name() -> None:
    found = rates(netstat(1, 0), netstat(5, 40_000), netstat(9, 55_000), netstat(30, 10**6))
    judged = compared(found, seen(100_000))
    assert [(each.counted, round(each.observed), each.verdict) for each in judged] == [
        (40_000, 40_000, "fine"),
        (15_000, 40_000, "doubled"),
    ]


def test_an_agent_that_looks_at_its_counters_now_and_then_only_raises_no_alarm() -> None:
    found = rates(snmp(0, 0), snmp(2, 0), snmp(4, 40_000), snmp(6, 40_000), snmp(8, 80_000))
    judged = compared(found, seen(100_000), [Link("core", "ge7", "eth0")])
    assert [each.verdict for each in judged] == ["idle", "fine", "idle", "fine"]


def test_ports_of_a_switch_are_compared_as_links_say() -> None:
    found = rates(snmp(1, 0), snmp(1, 0, name="ge8"), snmp(9, 20_000), snmp(9, 60_000, name="ge8"))
    both = [Link("core", "ge7", "eth0"), Link("core", "ge8", "eth0")]
    (judged,) = compared(found, seen(100_000), both)
    assert (judged.counted, judged.verdict) == (80_000, "fine")
    assert compared(found, seen(100_000)) == []
    (blind,) = compared(found, seen(100_000), [Link("core", "ge8", "eth9")])
    assert (blind.observed, blind.verdict) == (0, "blind")
