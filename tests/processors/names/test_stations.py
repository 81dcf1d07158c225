"""Names, MACs and users of stations as each protocol tells them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from processors.dns import DnsTransactions
from processors.names import DnsNames, NameTable, Naming, StationNames
from tests.control_payloads import (
    CLIENT,
    OTHER,
    SECOND,
    SERVER,
    START,
    Payload,
    address,
    answered,
    asked,
    control_batch,
)
from tests.traffic.dns import address_record, alias_record, dns_answer, dns_query, encoded_name
from topics.names import EVERYBODY, AddressName, decode_name, encode_name, name_key

MAC = bytes.fromhex("02aabbccdd01")


def told(*payloads: Payload, ethertype: int = 0x0800, protocol: int = 17) -> list[AddressName]:
    batch = control_batch(payloads)
    batch.records["ethertype"], batch.records["protocol"] = ethertype, protocol
    return [decode_name(encode_name(name)) for name in StationNames().process(batch)]


def dhcp(kind: int, *options: tuple[int, bytes], yours: str = "0.0.0.0", mine: str = "0.0.0.0") -> bytes:
    head = struct.pack(">BBBBIHH", 2 if kind == 5 else 1, 1, 6, 0, 99, 0, 0)
    head += address(mine)[12:] + address(yours)[12:] + bytes(8) + MAC + bytes(10) + bytes(192)
    body = b"".join(bytes((code, len(value))) + value for code, value in ((53, bytes((kind,))), *options))
    return head + b"\x63\x82\x53\x63" + body + b"\xff"


def test_a_lease_names_an_address_as_long_as_it_lasts_and_ends_when_it_is_released() -> None:
    request = Payload(0, "0.0.0.0", 68, "255.255.255.255", 67, dhcp(3, (12, b"Laptop-7")))
    ack = Payload(1, SERVER, 67, CLIENT, 68, dhcp(5, (51, struct.pack(">I", 600)), yours=CLIENT))
    release = Payload(100, CLIENT, 68, SERVER, 67, dhcp(7, mine=CLIENT))
    leased, released = told(request, ack, release)
    assert (leased.address, leased.name, leased.mac, leased.source) == (address(CLIENT), "laptop-7", MAC, "dhcp")
    assert (leased.until - leased.first, leased.event) == (600 * SECOND, "new")
    assert (released.event, released.until, released.first) == ("released", START + 100 * SECOND, leased.first)
    assert name_key(released) == name_key(leased)


def test_the_full_name_of_option_81_counts_more_than_option_12() -> None:
    full = b"\x04\0\0" + encoded_name("laptop.example.com")
    request = Payload(0, "0.0.0.0", 68, "255.255.255.255", 67, dhcp(3, (12, b"laptop"), (81, full)))
    ack = Payload(1, SERVER, 67, CLIENT, 68, dhcp(5, (51, b"\0\0\1\0"), yours=CLIENT))
    assert [name.name for name in told(request, ack)] == ["laptop.example.com"]


def option6(code: int, value: bytes) -> bytes:
    return struct.pack(">HH", code, len(value)) + value


def test_leases_of_ipv6_have_names_also_through_relays() -> None:
    leased, name = address("2001:db8::77"), option6(39, b"\0" + encoded_name("Laptop.example.com"))
    client = option6(1, b"\0\1\0\1\0\0\0\0" + MAC)
    held = option6(3, bytes(12) + option6(5, leased + struct.pack(">II", 300, 600)))
    relayed = b"\x0d\0" + bytes(32) + option6(9, b"\x07abc" + client + held)
    (found, gone) = told(
        Payload(0, "fe80::1", 546, "ff02::1:2", 547, b"\x03abc" + client + name + held),
        Payload(1, "2001:db8::1", 547, "2001:db8::2", 547, relayed),
        Payload(5, "fe80::1", 546, "ff02::1:2", 547, b"\x08abd" + client + held),
        ethertype=0x86DD,
    )
    assert (found.address, found.name, found.mac, found.source) == (leased, "laptop.example.com", MAC, "dhcp")
    assert (found.until - found.first, gone.event, gone.until) == (600 * SECOND, "released", START + 5 * SECOND)
    assert name_key(gone) == name_key(found)
    for end in range(len(relayed)):  # cut anywhere
        assert told(Payload(1, "2001:db8::1", 547, "2001:db8::2", 547, relayed[:end]), ethertype=0x86DD) == []
    endless = b""
    for _ in range(40):
        endless = b"\x0c\0" + bytes(32) + option6(9, endless)
    assert told(Payload(1, "fe80::1", 547, "fe80::2", 547, endless), ethertype=0x86DD) == []


def test_arp_and_neighbours_tell_macs_and_a_change_is_told() -> None:
    def arp(mac: bytes) -> bytes:
        return b"\0\1\x08\0\6\4\0\2" + mac + address(CLIENT)[12:] + bytes(10)

    found = told(
        *(Payload(at, CLIENT, 0, OTHER, 0, arp(mac)) for at, mac in ((0, MAC), (1, MAC), (2, MAC[::-1]))),
        ethertype=0x0806,
    )
    assert [(name.mac, name.source) for name in found] == [(MAC, "arp"), (MAC[::-1], "arp")]
    target = address("2001:db8::5")
    advertisement = bytes((136, 0, 0, 0)) + bytes(4) + target + b"\x02\x01" + MAC
    (neighbour,) = told(Payload(0, "2001:db8::5", 0, "ff02::1", 0, advertisement), ethertype=0x86DD, protocol=58)
    assert (neighbour.address, neighbour.mac, neighbour.source) == (target, MAC, "nd")


def test_who_calls_and_who_logs_in() -> None:
    register = b"REGISTER sip:example.org SIP/2.0\r\nFrom: <sip:anna@example.org>;tag=1\r\nExpires: 60\r\n\r\n"
    (caller,) = told(Payload(0, CLIENT, 5060, SERVER, 5060, register))
    assert (caller.address, caller.user, caller.until - caller.first) == (
        address(CLIENT),
        "anna@example.org",
        60 * SECOND,
    )
    texts = [text.encode("utf-16-le") for text in ("OFFICE", "anna", "PC7")]
    places, at = b"", 64
    for text in texts:
        places += struct.pack("<HHI", len(text), len(text), at)
        at += len(text)
    message = b"NTLMSSP\0\3\0\0\0" + bytes(16) + places + bytes(8) + struct.pack("<I", 1) + b"".join(texts)
    (user,) = told(Payload(0, CLIENT, 50000, SERVER, 445, b"\xfeSMB" + message), protocol=6)
    assert (user.user, user.name, user.source) == ("OFFICE\\anna", "pc7", "ntlm")


def test_a_netbios_datagram_tells_its_sender() -> None:
    letters = b"".join(bytes((65 + (byte >> 4), 65 + (byte & 15))) for byte in b"PC7".ljust(15) + b"\0")
    datagram = b"\x11\x02\0\1" + address(CLIENT)[12:] + struct.pack(">HHH", 138, 100, 0) + b"\x20" + letters + b"\0"
    (name,) = told(Payload(0, CLIENT, 138, "10.0.0.255", 138, datagram))
    assert (name.name, name.address, name.source) == ("PC7", address(CLIENT), "netbios")


@pytest.mark.parametrize("size", range(0, 300, 7))
def test_what_is_cut_short_says_nothing_and_harms_nothing(size: int) -> None:
    whole = dhcp(5, (51, b"\0\0\1\0"), (12, b"x" * 30), yours=CLIENT)
    for source, target in ((67, 68), (138, 138), (5060, 5060), (50000, 445)):
        for protocol, ethertype in ((17, 0x0800), (58, 0x86DD), (6, 0x0800), (0, 0x0806)):
            told(Payload(0, CLIENT, source, OTHER, target, whole[:size]), ethertype=ethertype, protocol=protocol)


def names(*payloads: Payload, grace: int = 60) -> list[AddressName]:
    return DnsNames(grace * SECOND).process(DnsTransactions().process(control_batch(payloads)))


def test_only_addresses_at_the_end_of_the_chain_count_for_the_least_ttl_of_it() -> None:
    answers = [
        alias_record("www.example", "cdn.example", 20),
        address_record("cdn.example", "198.51.100.1", 500),
        address_record("elsewhere.example", "198.51.100.2", 500),
    ]
    (found,) = names(asked(0, dns_query(1, "WWW.example")), answered(1, dns_answer(1, "WWW.example", answers=answers)))
    assert (found.name, found.chain, found.address) == ("www.example", ("cdn.example",), address("198.51.100.1"))
    assert (found.client, found.until - found.first) == (address(CLIENT), 80 * SECOND)


def test_reverse_and_multicast_names_hold_for_everybody() -> None:
    reverse = ("7.2.0.192.in-addr.arpa", 12, 60, encoded_name("Host7.example"))
    (pointer,) = names(answered(0, dns_answer(1, reverse[0], 12, [reverse])))
    assert (pointer.address, pointer.name, pointer.source, pointer.client) == (
        address("192.0.2.7"),
        "host7.example",
        "ptr",
        EVERYBODY,
    )
    spoken = dns_answer(0, "tv.local", answers=[address_record("tv.local", OTHER, 120)])
    (heard,) = names(Payload(0, OTHER, 5353, "224.0.0.251", 5353, spoken))
    assert (heard.address, heard.name, heard.source) == (address(OTHER), "tv.local", "mdns")


def test_an_answer_that_failed_names_nothing() -> None:
    assert names(answered(0, dns_answer(1, "a.example", answers=[address_record("a.example", OTHER)], code=2))) == []


def test_of_a_table_the_least_recently_renewed_is_forgotten_and_counted() -> None:
    table = NameTable(most=2)
    for number in (1, 2, 1, 3):
        table.add(AddressName(address(f"10.1.0.{number}"), "x", "dns", START, START, START + 1, client=address(CLIENT)))
    pairs = np.frombuffer(b"".join(address(CLIENT) + address(f"10.1.0.{last}") for last in (1, 2, 3)), np.uint64)
    assert (table.find(pairs.reshape(-1, 4), np.full(3, START)) != 0).tolist() == [True, False, True]
    assert (len(table), table.evicted) == (2, 1)


def test_the_last_word_of_a_compacted_topic_covers_the_time_since_the_first() -> None:
    naming, table = Naming(), NameTable()
    answer = dns_answer(1, "a.example", answers=[address_record("a.example", OTHER, 10)])
    last: list[AddressName] = []
    for at in (0, 50, 100):
        batch = control_batch([asked(at, dns_query(1, "a.example")), answered(at, answer)])
        last = naming.process(batch)[1]
    assert [(name.first - START) // SECOND for name in last] == [0]
    table.add(last[0])
    pair = np.frombuffer(last[0].client + last[0].address, np.uint64).reshape(1, 4)
    for at in (0, 60, 100):
        assert table.text(int(table.find(pair, np.array([START + at * SECOND]))[0])) == "a.example"
