"""Data of resource records as master files have it, after the examples of the RFCs that define their types."""

from __future__ import annotations

import pytest

from topics.dns.text import data_text

HOST = "04686f737407657861 6d706c6503636f6d00"  # host.example.com
SIGNATURE = "oJB1W6WNGv+ldvQ3WDG0MQ=="
RECORDS = [
    (6, "026e7300 0470 6f737400 00000007 00000e10 00000258 00015180 0000003c", "ns post 7 3600 600 86400 60"),
    (15, f"000a {HOST}", "10 host.example.com"),
    (33, f"0001 0002 13c4 {HOST}", "1 2 5060 host.example.com"),
    (35, f"0064 000a 0153 075349502b443255 00 {HOST}", '100 10 "S" "SIP+D2U" "" host.example.com'),
    (43, "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    (44, "04 02 00ff", "4 2 00FF"),
    (
        46,
        f"0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 {HOST} a090755ba58d1affa576f4375831b431",
        f"A 5 3 86400 20030322173103 20030220173103 2642 host.example.com {SIGNATURE}",
    ),
    (
        47,
        f"{HOST} 0006 400100000003 041b {'00' * 26}20",
        "host.example.com A MX RRSIG NSEC TYPE1234",
    ),
    (48, "0100 03 05 0103d22a", "256 3 5 AQPSKg=="),
    (50, "01 01 000c 04aabbccdd 05 174eb2409f 0001 40", "1 1 12 AABBCCDD 2T7B4G4V A"),
    (51, "01 00 0000 00", "1 0 0 -"),
    (52, "03 01 01 beef", "3 1 1 BEEF"),
    (
        65,
        "0001 00 0001 0006 026833026832 0003 0002 01bb 0004 0004 c0000201",
        '1 . alpn="h3,h2" port=443 ipv4hint=192.0.2.1',
    ),
    (
        64,
        f"0010 {HOST} 0000 0004 0001 0004 029b 0003 616263",
        '16 host.example.com mandatory=alpn,ipv4hint key667="abc"',
    ),
    (65, f"0000 {HOST}", "0 host.example.com"),
    (256, "000a 0001 6674703a2f2f61", '10 1 "ftp://a"'),
    (257, "80 05 6973737565 63612e6578616d706c652e6e6574", '128 issue "ca.example.net"'),
]


@pytest.mark.parametrize(("kind", "data", "expected"), RECORDS)
def test_data_is_text_of_master_files(kind: int, data: str, expected: str) -> None:
    packed = bytes.fromhex(data)
    assert data_text(kind, packed) == expected


@pytest.mark.parametrize(("kind", "data"), [record[:2] for record in RECORDS])
def test_data_that_is_cut_is_never_an_error(kind: int, data: str) -> None:
    packed = bytes.fromhex(data)
    for size in range(len(packed)):
        assert data_text(kind, packed[:size]).isprintable()


def test_what_is_not_of_its_type_and_an_unknown_type_are_hexadecimal() -> None:
    assert data_text(257, b"\0\x02a b") == "\\# 5 0002612062"
    assert data_text(15, b"\0\x0a\1a\0\0") == "\\# 6 000a01610000"
    assert data_text(65280, b"\1\2") == "\\# 2 0102"
