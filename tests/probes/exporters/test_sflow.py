"""Samples of sFlow become conversations, multiplied by the rate of sampling."""

from __future__ import annotations

import struct

from probes.exporters.status import counts_of
from tests.probes.exporters.collected import SECOND, collected, collector, told
from tests.traffic.exports import counter_sample, flow_sample, sender, sflow
from tests.traffic.packets import tcp_frame, udp_frame

A, B = "10.0.0.1", "10.0.0.2"
ASK = udp_frame(A, B, 4000, 53, b"x" * 22)
ANSWER = udp_frame(B, A, 53, 4000, b"y" * 122)


def test_samples_are_gathered_and_multiplied() -> None:
    samples = [flow_sample(ASK), flow_sample(ASK), counter_sample(), flow_sample(ANSWER, rate=50)]
    one = collector()
    batch = collected([sflow(samples)], one, kind="sflow")
    (flow,) = told(batch)
    assert (flow["from"], flow["ports"], flow["packets"]) == (A, (4000, 53), (200, 50))
    assert flow["bytes"] == (200 * len(ASK), 50 * len(ANSWER))
    assert flow["labels"] == "in=3:out=4:sampling=100"
    assert [observer.probe for observer in batch.observers.values()] == ["192.0.2.9"]
    (exporter,) = one.exporters.values()
    assert counts_of(exporter)["counter_samples"] == 1
    assert [(each.packets, each.record_packets) for each in one.told.values()] == [(250, 250)]


def test_the_source_is_who_came_first_or_asks_the_lower_port() -> None:
    (flow,) = told(collected([sflow([flow_sample(ANSWER), flow_sample(ASK)])], kind="sflow"))
    assert (flow["from"], flow["ports"]) == (A, (4000, 53))
    messages = [sflow([flow_sample(ANSWER)]), sflow([flow_sample(ASK)], sequence=2)]
    (flow,) = told(collected(messages, kind="sflow"))
    assert (flow["from"], flow["packets"]) == (B, (100, 100))


def test_samples_after_the_window_are_another_record() -> None:
    messages = [sflow([flow_sample(ASK)], sequence=number) for number in range(1, 31)]
    assert len(collected(messages, collector(window=SECOND), kind="sflow")) == 3


def test_longer_packets_than_were_sampled_count_whole() -> None:
    frame = tcp_frame(A, B, 4000, 80, payload=b"z" * 1000)
    (flow,) = told(collected([sflow([flow_sample(frame, rate=10)])], kind="sflow"))
    assert flow["bytes"] == (10 * len(frame), 0)
    assert flow["protocol"] == 6


def test_what_an_agent_says_of_an_ip_header_will_do() -> None:
    fields = struct.pack(">II4s4sIIII", 500, 17, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 4000, 53, 0, 0)
    body = struct.pack(">IIIIIIII", 1, 3, 10, 10, 0, 3, 4, 1) + struct.pack(">II", 3, len(fields)) + fields
    sample = struct.pack(">II", 1, len(body)) + body
    (flow,) = told(collected([sflow([sample])], kind="sflow"))
    assert (flow["from"], flow["to"], flow["packets"], flow["bytes"]) == (A, B, (10, 0), (5000, 0))


def test_expanded_samples_and_agents_with_ipv6() -> None:
    header = ASK + bytes(-len(ASK) % 4)
    raw = struct.pack(">IIII", 1, len(ASK), 4, len(ASK)) + header
    body = struct.pack(">IIIIIIIIIII", 1, 0, 3, 10, 10, 0, 0, 70000, 0, 70001, 1)
    body += struct.pack(">II", 1, len(raw)) + raw
    datagram = sflow([struct.pack(">II", 3, len(body)) + body], agent="2001:db8::1")
    batch = collected([datagram], kind="sflow")
    assert told(batch)[0]["labels"] == "in=70000:out=70001:sampling=10"
    assert [observer.probe for observer in batch.observers.values()] == ["2001:db8::1"]


def test_gaps_between_datagrams_are_counted() -> None:
    one = collector()
    collected([sflow([flow_sample(ASK)], sequence=number) for number in (1, 2, 7)], one, kind="sflow")
    (exporter,) = one.exporters.values()
    assert counts_of(exporter)["lost_datagrams"] == 4
    assert sender("192.0.2.9") in {address for _, address, _ in one.exporters}
