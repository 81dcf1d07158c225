"""Community ids: those that the specification's own example implementation gives for its captures."""

from ipaddress import ip_address

import polars as pl
import pytest

from tests.random_batches import random_batch
from topics.community_id import community_id
from topics.fields import field
from topics.fields.style import Style
from topics.frame import to_arrow


def sixteen(text: str) -> bytes:
    address = ip_address(text)
    return bytes(10) + b"\xff\xff" + address.packed if address.version == 4 else address.packed


@pytest.mark.parametrize(
    ("source", "destination", "source_port", "destination_port", "protocol", "expected"),
    [
        ("128.232.110.120", "66.35.250.204", 34855, 80, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        ("192.168.1.52", "8.8.8.8", 54585, 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        ("192.168.0.89", "192.168.0.1", 8, 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    ],
)
def test_ids_are_those_of_the_specification(
    source: str, destination: str, source_port: int, destination_port: int, protocol: int, expected: str
) -> None:
    there = sixteen(source), sixteen(destination)
    assert community_id(*there, source_port, destination_port, protocol) == expected
    answer = (0, 8) if protocol == 1 else (destination_port, source_port)
    assert community_id(*there[::-1], *answer, protocol) == expected


def test_protocols_without_ports_are_told_by_their_addresses_alone() -> None:
    ends = sixteen("10.0.0.1"), sixteen("10.0.0.2")
    assert community_id(*ends, 0, 0, 47) == community_id(*ends[::-1], 5, 6, 47) != community_id(*ends, 0, 0, 50)


def test_an_icmp_error_goes_one_way() -> None:
    ends = sixteen("10.0.0.1"), sixteen("10.0.0.2")
    assert community_id(*ends, 3, 1, 1) != community_id(*ends[::-1], 3, 1, 1)


def test_records_print_it_where_they_have_ip_addresses() -> None:
    frame = pl.DataFrame(to_arrow(random_batch(3, 200)))
    shown = frame.select(field("communityid").text(Style()).alias("id"), field("proto").value().alias("proto"))
    assert shown["id"].null_count() > 0
    assert shown["id"].drop_nulls().str.contains(r"^1:[A-Za-z0-9+/]{27}=$").all()
