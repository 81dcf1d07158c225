"""Queries and answers as transactions: paired, sent again, over TCP, malformed, however they are cut into batches."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from clients.names.radns import described
from processors.dns import DnsTransactions
from tests.control_payloads import CLIENT, OTHER, SERVER, Payload, answered, asked, control_batch
from tests.traffic.dns import (
    RECORD_SOA,
    address_record,
    alias_record,
    authority_record,
    dns_answer,
    dns_message,
    dns_query,
    over_tcp,
    question,
    text_record,
)
from topics.dns import decode_dns, encode_dns

AXFR = 252
ANSWER = [
    alias_record("www.example.com", "edge.example.net", 60),
    address_record("edge.example.net", "198.51.100.7", 30),
]


def transactions(*batches: list[Payload], **settings: Any) -> list[dict[str, Any]]:
    found = DnsTransactions(**settings)
    made = [found.process(control_batch(batch)) for batch in batches] + found.flush()
    return [one for batch in made for one in described(decode_dns(encode_dns(batch)))]


def test_a_query_and_its_answer_are_one_transaction() -> None:
    (found,) = transactions(
        [
            asked(0, dns_query(7, "www.example.com")),
            answered(0.0125, dns_answer(7, "www.example.com", answers=ANSWER, authorities=[authority_record("x.org")])),
        ]
    )
    assert (found["client"], found["client_port"], found["server"], found["server_port"]) == (CLIENT, 40000, SERVER, 53)
    assert (found["name"], found["type"], found["class"], found["result"]) == ("www.example.com", "A", "IN", "NOERROR")
    assert found["latency_ms"] == pytest.approx(12.5)
    assert found["retries"] == 0
    assert found["flags"] == ["rd", "ra"]
    assert [(each["name"], each["type"], each["ttl"], each["data"]) for each in found["answer"]] == [
        ("www.example.com", "CNAME", 60, "edge.example.net"),
        ("edge.example.net", "A", 30, "198.51.100.7"),
    ]
    assert found["authority"][0]["data"] == "ns1.x.org hostmaster.x.org 2026010101 7200 900 1209600 300"
    assert "malformed" not in found


def test_transactions_tell_the_flow_of_their_query() -> None:
    first, second = bytes(range(16)), bytes(range(1, 17))
    query, answer = dns_query(7, "a.example"), dns_answer(7, "a.example", answers=[address_record("a.example", SERVER)])
    whole, alone, late = transactions(
        [asked(0, query)._replace(flow=first), answered(1, answer)._replace(flow=second)],
        [answered(40, answer)._replace(flow=second), asked(50, query, port=9)],
    )
    assert (whole["flow"], alone["flow"], late["flow"]) == (first.hex(), second.hex(), None)


def test_sent_again_is_one_transaction_and_without_an_answer_it_ends_by_itself() -> None:
    query = dns_query(1, "slow.example")
    again = [asked(at, query) for at in (0, 1, 3)]
    (found,) = transactions([*again, answered(4, dns_answer(1, "slow.example"))])
    assert (found["retries"], found["latency_ms"], found["result"]) == (2, 4000, "NOERROR")
    (silent, other) = transactions(again, [asked(100, dns_query(2, "later.example"))])
    assert (silent["name"], silent["retries"], silent["result"]) == ("slow.example", 2, "NOANSWER")
    assert other["result"] == "NOANSWER"


def test_an_answer_that_comes_too_late_or_twice_is_one_that_nobody_asked_for() -> None:
    answer = dns_answer(1, "a.example")
    late = transactions([asked(0, dns_query(1, "a.example")), answered(21, answer)])
    assert [(one["result"], one["state"]) for one in late] == [("NOANSWER", ["query"]), ("NOERROR", ["answer"])]
    twice = transactions([asked(0, dns_query(1, "a.example")), answered(1, answer), answered(1.1, answer)])
    assert [one["state"] for one in twice] == [["query", "answer"], ["answer"]]


def test_two_questions_of_one_port_and_id_are_told_apart_and_letters_have_no_case() -> None:
    found = transactions(
        [
            asked(0, dns_query(5, "a.example")),
            asked(0.1, dns_query(5, "b.example")),
            answered(0.2, dns_answer(5, "B.EXAMPLE")),
            answered(0.3, dns_answer(5, "a.example", code=3)),
        ]
    )
    assert [(one["name"], one["latency_ms"], one["result"]) for one in found] == [
        ("b.example", pytest.approx(100), "NOERROR"),
        ("a.example", pytest.approx(300), "NXDOMAIN"),
    ]


def test_an_answer_without_a_question_belongs_to_its_query() -> None:
    (found,) = transactions([asked(0, dns_query(5, "a.example")), answered(1, dns_message(5, 0x8001))])
    assert (found["name"], found["result"], found["latency_ms"]) == ("a.example", "FORMERR", 1000)


def stream(data: bytes, offset: int = 0, *, back: bool = False, at: float = 1, **more: Any) -> Payload:
    ends = (SERVER, 53, CLIENT, 50000) if back else (CLIENT, 50000, SERVER, 53)
    return Payload(at, *ends, data, stream=77, offset=offset, **more)


def test_a_truncated_answer_and_the_same_question_over_tcp() -> None:
    query, long = (
        dns_query(1, "big.example", 16),
        dns_answer(1, "big.example", 16, [text_record("big.example", "x" * 900)]),
    )
    wire = over_tcp(query)
    short, whole = transactions(
        [
            asked(0, query),
            answered(0.1, dns_answer(1, "big.example", 16, truncated=True)),
            stream(wire[:1]),
            stream(wire[1:9], 1),
            stream(wire[9:], 9),
            stream(over_tcp(long)[:500], back=True),
        ],
        [stream(over_tcp(long)[500:], 500, back=True, at=1.5)],
    )
    assert short["state"] == ["query", "answer", "truncated"]
    assert (whole["transport"], whole["state"]) == ("tcp", ["query", "answer", "after_truncation"])
    assert whole["latency_ms"] == 500
    assert whole["answer"][0]["data"].count("x") == 900


def test_a_zone_transfer_is_one_transaction() -> None:
    soa = (*authority_record("example")[:1], RECORD_SOA, 300, authority_record("example")[3])
    parts = [[soa, address_record("a.example", "192.0.2.1")], [address_record("b.example", "192.0.2.2")], [soa]]
    messages = [
        dns_message(9, 0x8400, [question("example", AXFR)] if not place else [], part)
        for place, part in enumerate(parts)
    ]
    answer = b"".join(map(over_tcp, messages))
    batches = [[stream(over_tcp(dns_query(9, "example", AXFR)))]]
    batches += [[stream(answer[at : at + 50], at, back=True, at=2 + at / 1000)] for at in range(0, len(answer), 50)]
    (found,) = transactions(*batches)
    assert (found["type"], found["answer_messages"], len(found["answer"])) == ("AXFR", 3, 4)
    assert "several" in found["state"]
    assert [each["type"] for each in found["answer"]] == ["SOA", "A", "A", "SOA"]


def test_messages_behind_lost_bytes_of_a_stream_are_left_out() -> None:
    wire = over_tcp(dns_query(1, "a.example"))
    assert transactions([stream(wire[:5]), stream(wire, 100, missing=90), stream(wire, 200)]) == []


def test_edns_and_its_options() -> None:
    subnet, cookie = (
        struct.pack(">HHHBB", 8, 7, 1, 24, 0) + bytes((203, 0, 113)),
        struct.pack(">HH", 10, 8) + b"12345678",
    )
    error = struct.pack(">HHH", 15, 2, 22)

    def opt(size: int, high: int, flags: int, options: bytes) -> bytes:
        return b"\0" + struct.pack(">HHBBHH", 41, size, high, 0, flags, len(options)) + options

    head = struct.pack(">HHHHHH", 3, 0x0100, 1, 0, 0, 1)
    query = head + question("e.example") + opt(1232, 0, 0x8000, subnet + cookie)
    answer = struct.pack(">HHHHHH", 3, 0x8100, 1, 0, 0, 1) + question("e.example") + opt(4096, 1, 0, error)
    (found,) = transactions([asked(0, query), answered(1, answer)])
    assert found["result"] == "BADVERS"
    assert found["edns"] == {
        "version": 0,
        "udp_size": [1232, 4096],
        "do": [True, False],
        "client_subnet": "203.0.113.0/24/0",
        "cookie": b"12345678".hex(),
        "extended_error": 22,
    }


HEAD = struct.pack(">HHHHHH", 1, 0x8180, 1, 0, 0, 0)
LONG = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3e" + b"b" * 62


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (HEAD[:11], "short_header"),
        (HEAD + b"\xc0\x0c\0\x01\0\x01", "pointer"),
        (HEAD + b"\x01a\xc0\x0e\0\x01\0\x01", "pointer"),
        (HEAD + b"\xc0\xff\0\x01\0\x01", "pointer"),
        (HEAD + b"\x40a\0\0\x01\0\x01", "label_type"),
        (HEAD + b"\x05abc", "name_outside"),
        (HEAD + b"\xc0", "name_outside"),
        (HEAD + LONG + b"\0\0\x01\0\x01", "name_long"),
        (HEAD + b"\x01a\0\0\x01", "short_question"),
        (HEAD, "short_question"),
        (HEAD[:6] + b"\0\x01" + HEAD[8:] + question("a.b") + b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x09", "short_record"),
        (HEAD[:6] + b"\0\x01" + HEAD[8:] + question("a.b") + b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x01a", "record_data"),
        (HEAD + question("a.b") + b"rest", "trailing_bytes"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(message: bytes, error: str) -> None:
    (found,) = transactions([answered(0, message)])
    assert found["malformed"] == [None, error]


def test_names_of_255_bytes_pass_and_keep_every_byte() -> None:
    longest = LONG[:-1] + b"\0"
    longest = longest[:192] + b"\x3d" + b"\xfe" * 61 + b"\0"
    (found,) = transactions([answered(0, HEAD + longest + b"\0\x01\0\x01")])
    assert len(longest) == 255
    assert found["name"].endswith("\\254" * 61)
    assert "malformed" not in found


def test_ten_thousand_pointers_take_bounded_work_and_room() -> None:
    chain = b"\x01a\0" + b"".join(
        struct.pack(">H", 0xC000 | 12 + (2 * place + 1 if place else 0)) for place in range(8000)
    )
    looped = struct.pack(">HHHHHH", 1, 0x8180, 0, 1, 0, 0) + chain
    name = b"".join(b"\x3f" + b"\x01" * 63 for _ in range(3)) + b"\x30" + b"\x01" * 48 + b"\0"
    record = b"\xc0\x0c\0\x10\0\x01\0\0\0\0\0\0"
    swollen = struct.pack(">HHHHHH", 1, 0x8180, 1, 4000, 0, 0) + name + b"\0\x01\0\x01" + record * 4000
    found = transactions([answered(0, looped), answered(1, swollen)])
    assert [one["malformed"][1] for one in found] == ["short_record", "too_much"]
    assert sum(len(each["name"]) for each in found[1]["answer"]) < 17 * len(swollen)


def test_international_names_are_readable_beside_their_wire_form() -> None:
    (found,) = transactions([asked(0, dns_query(1, "www.xn--bcher-kva.example"))])
    assert (found["name"], found["readable"]) == ("www.xn--bcher-kva.example", "www.bücher.example")


def test_who_answers_for_a_group_of_stations_is_the_server() -> None:
    query, answer = dns_query(4, "printer"), dns_answer(4, "printer", answers=[address_record("printer", "10.0.0.9")])
    (found,) = transactions(
        [Payload(0, CLIENT, 50000, "224.0.0.252", 5355, query), Payload(0.01, OTHER, 5355, CLIENT, 50000, answer)]
    )
    assert (found["kind"], found["server"], found["latency_ms"]) == ("llmnr", OTHER, pytest.approx(10))


def test_netbios_names_are_decoded() -> None:
    letters = b"".join(bytes((65 + (byte >> 4), 65 + (byte & 15))) for byte in b"FILESERVER".ljust(15) + b"\x20")
    query = struct.pack(">HHHHHH", 4, 0x0110, 1, 0, 0, 0) + b"\x20" + letters + b"\0\0\x20\0\x01"
    (found,) = transactions([Payload(0, CLIENT, 137, "10.0.0.255", 137, query)])
    assert (found["kind"], found["name"], found["type"]) == ("netbios", "FILESERVER<20>", "NB")


def test_each_message_of_multicast_dns_stands_for_itself() -> None:
    answer = dns_answer(0, "tv.local", answers=[address_record("tv.local", "10.0.0.30")])
    found = transactions([Payload(at, OTHER, 5353, "224.0.0.251", 5353, answer) for at in (0, 1)])
    assert [one["state"] for one in found] == [["answer"], ["answer"]]


def test_cuts_between_batches_change_nothing() -> None:
    payloads = []
    for number in range(60):
        name = f"host{number % 7}.example"
        payloads.append(asked(number, dns_query(number % 5, name), port=40000 + number % 3))
        if number % 4:
            payloads.append(
                answered(number + 0.5, dns_answer(number % 5, name, answers=ANSWER), port=40000 + number % 3)
            )
    whole = transactions(payloads)
    for size in (1, 7, 40):
        cut = transactions(*(payloads[at : at + size] for at in range(0, len(payloads), size)))
        assert sorted(map(str, cut)) == sorted(map(str, whole))


def test_queries_that_wait_are_bounded() -> None:
    from processors.dns import DnsSettings

    queries = [asked(number / 1000, dns_query(number, f"n{number}.example")) for number in range(50)]
    found = DnsTransactions(DnsSettings(most_open=10))
    given_up = found.process(control_batch(queries))
    assert len(given_up) == 40
    assert found.counts()["waiting"] == 10


def test_a_truncated_message_says_so() -> None:
    cut = answered(0, dns_answer(1, "a.example", answers=ANSWER)[:40])._replace(flags=2)
    (found,) = transactions([cut])
    assert "answer_cut" in found["state"]
    assert found["malformed"][1] is not None
