"""DNS transactions beside what tshark reads in the same packets: every message, its question, code and records."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from clients.reading.control_plane import transactions
from tests.traffic.dns import (
    RECORD_AAAA,
    RECORD_PTR,
    address_record,
    alias_record,
    authority_record,
    dns_answer,
    dns_query,
    encoded_name,
    over_tcp,
    text_record,
)
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.dns import heap_values
from topics.dns.text import data_text

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = (
    *("dns.id", "dns.flags.response", "dns.qry.name", "dns.qry.type", "dns.flags.rcode"),
    *("dns.resp.name", "dns.resp.type", "dns.resp.ttl", "dns.a", "dns.aaaa"),
)
OPT = 41
START = 1_700_000_000_000_000_000
CLIENT, SERVER = "10.0.0.1", "192.0.2.53"

Messages = Counter[tuple[object, ...]]


@pytest.fixture(scope="module")
def tshark() -> str:
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    return path


def ours(path: Path) -> Messages:
    """Queries, once for each time they were sent, and answers, with their records sorted."""
    found: Messages = Counter()
    for batch in transactions(str(path)):
        names = [name.decode().lower() for name in heap_values(batch.transactions, batch.heap, "name")]
        owners, data = (heap_values(batch.resources, batch.resource_heap, name) for name in ("name", "data"))
        for place, row in enumerate(batch.transactions):
            asked = (int(row["id"]), names[place], int(row["record_type"]))
            if row["state"] & 1:
                found["query", *asked] += 1 + int(row["retries"])
            if row["state"] & 2:
                rows = [
                    (owners[at].decode().lower(), int(each["record_type"]), int(each["ttl"]), data[at])
                    for at, each in enumerate(batch.resources)
                    if each["transaction"] == place and each["section"]
                ]
                addresses = sorted(data_text(kind, value) for _, kind, _, value in rows if kind in (1, 28))
                records = sorted(row[:3] for row in rows)
                found["answer", *asked, int(row["rcode"]), tuple(records), tuple(addresses)] += 1
    return found


def theirs(tshark: str, path: Path) -> Messages:
    command = [tshark, "-r", str(path), "-Y", "dns || mdns || llmnr", "-T", "fields"]
    command += ["-E", "separator=|", "-E", "aggregator=;"]
    printed = subprocess.run(
        [*command, *(word for name in FIELDS for word in ("-e", name))], capture_output=True, text=True, check=True
    ).stdout
    found: Messages = Counter()
    for line in printed.splitlines():
        cells = [cell.split(";") if cell else [] for cell in line.split("|")]
        values = dict(zip(FIELDS, cells, strict=True))
        name = "".join(values["dns.qry.name"][:1]).lower()
        asked = (int(values["dns.id"][0], 16), name, int((values["dns.qry.type"] or ["0"])[0]))
        if values["dns.flags.response"][0] in {"0", "False"}:
            found["query", *asked] += 1
            continue
        ttls = iter(values["dns.resp.ttl"])
        pairs = zip(values["dns.resp.name"], map(int, values["dns.resp.type"]), strict=True)
        records = sorted((owner.lower(), kind, int(next(ttls))) for owner, kind in pairs if kind != OPT)
        addresses = sorted(values["dns.a"] + values["dns.aaaa"])
        found["answer", *asked, int(values["dns.flags.rcode"][0]), tuple(records), tuple(addresses)] += 1
    return found


def variety() -> list[tuple[int, bytes]]:
    """Messages of many kinds, each a millisecond after the one before."""
    name = "www.example.com"
    chain = [alias_record(name, "a.example.net", 60), alias_record("a.example.net", "b.example.org", 30)]
    addresses = [address_record("b.example.org", f"198.51.100.{number}", number) for number in range(1, 9)]
    exchanges = [
        (dns_query(1, name), dns_answer(1, name, answers=[*chain, *addresses])),
        (dns_query(2, name, RECORD_AAAA), dns_answer(2, name, RECORD_AAAA, [address_record(name, "2001:db8::7")])),
        (dns_query(3, "no.example"), dns_answer(3, "no.example", code=3, authorities=[authority_record("example")])),
        (dns_query(4, "down.example"), dns_answer(4, "down.example", code=2)),
        (
            dns_query(5, "7.2.0.192.in-addr.arpa", RECORD_PTR),
            dns_answer(
                5, "7.2.0.192.in-addr.arpa", RECORD_PTR, [("7.2.0.192.in-addr.arpa", 12, 5, encoded_name("x.example"))]
            ),
        ),
        (dns_query(6, "t.example", 16), dns_answer(6, "t.example", 16, [text_record("t.example", "v=spf1 -all")])),
        (dns_query(7, "xn--bcher-kva.example"), dns_answer(7, "xn--bcher-kva.example", truncated=True)),
    ]
    frames = []
    for query, answer in exchanges:
        frames += [udp_frame(CLIENT, SERVER, 40000, 53, query)] * (2 if query[1] == 4 else 1)
        frames.append(udp_frame(SERVER, CLIENT, 53, 40000, answer))
    frames.append(udp_frame("2001:db8::1", "ff02::fb", 5353, 5353, dns_query(0, "tv.local")))
    frames.append(udp_frame(CLIENT, "224.0.0.252", 50000, 5355, dns_query(8, "printer")))
    query, answer = over_tcp(exchanges[-1][0]), over_tcp(dns_answer(7, "xn--bcher-kva.example", answers=addresses))
    frames.append(tcp_frame(CLIENT, SERVER, 50001, 53, flags="S", sequence=99))
    frames.append(tcp_frame(CLIENT, SERVER, 50001, 53, flags="PA", sequence=100, payload=query))
    for at in (0, 100):
        part = answer[at : at + 100] if at == 0 else answer[at:]
        frames.append(tcp_frame(SERVER, CLIENT, 53, 50001, flags="PA", sequence=500 + at, payload=part))
    return [(START + place * 1_000_000, frame) for place, frame in enumerate(frames)]


@pytest.mark.parametrize("what", ["variety", "office"])
def test_every_message_is_what_tshark_reads(tshark: str, tmp_path: Path, what: str) -> None:
    path = tmp_path / "traffic.pcap"
    write_pcap(path, variety() if what == "variety" else sample_frames(1))
    mine = ours(path)
    assert mine == theirs(tshark, path)
    assert mine.total() > (15 if what == "variety" else 100)
