"""Records of Argus that few files have, made out of usual ones: what is printed of them, and what ra prints."""

import struct
from pathlib import Path

import polars as pl
import pytest

from clients.listing.columns import columns
from clients.listing.lines import Listing
from tests.argus_records import argus_tools, run_ra
from topics import filter as filters
from topics.argus import layout as at
from topics.argus.decoder import ArgusDecoder
from topics.argus.encoder import ArgusEncoder, first_record
from topics.batch import FlowBatch, concatenate
from topics.fields import Style
from topics.frame import to_arrow

SAMPLE = Path(__file__).parent / "argus" / "sample.argus"
NAMES = ["stime", "saddr", "daddr", "proto", "sport", "dport", "spkts", "dbytes"]
STYLE = Style(port_names=False, protocol_names=False, epoch=True)
IPV4_KEY, LINK_KEY = (bytes((at.KEY, at.FIVE_TUPLE, kind, 5)) for kind in (at.KEY_IPV4, at.KEY_ETHERNET))
TURNED_LINK_KEY = bytes((at.KEY, at.FIVE_TUPLE | at.REVERSED, at.KEY_ETHERNET, 5))
UDP = 17


def with_keys(data: bytes, head: bytes, after: int, octets: bytes, protocol: int | None = None) -> bytes:
    """The same records with these octets so far into each key with that head, of all protocols or of one."""
    changed, place = bytearray(data), 0
    while place < len(changed):
        length = 4 * struct.unpack_from(">H", changed, place + 2)[0]
        key = changed.find(head, place, place + length)
        if changed[place] >> 4 == at.FLOW and key > 0 and protocol in (None, changed[key + 12]):
            changed[key + after : key + after + len(octets)] = octets
        place += length
    return bytes(changed)


USUAL = SAMPLE.read_bytes()
UNTURNED = with_keys(USUAL, TURNED_LINK_KEY, 1, LINK_KEY[1:])
BROKEN_HEADERS = with_keys(UNTURNED, LINK_KEY, 16, bytes((8, 0, 0, 0)))
SCTP = with_keys(USUAL, IPV4_KEY, 12, bytes((132, 0, 0, 0, 0, 0, 0, 0)), UDP)


def batch(data: bytes) -> FlowBatch:
    return concatenate(list(ArgusDecoder("made").feed(data)))


def frame(data: bytes) -> pl.DataFrame:
    listed = pl.from_arrow(to_arrow(batch(data)))
    assert isinstance(listed, pl.DataFrame)
    return listed


def printed(data: bytes, *names: str) -> list[str]:
    lines: list[str] = Listing(columns(list(names)), STYLE, ",").lines(frame(data)).to_list()
    return lines


def selected(data: bytes, expression: str) -> int:
    condition = filters.compile(expression)
    assert condition is not None
    return frame(data).filter(condition).height


def test_a_layer_2_flow_of_an_ip_ethertype_has_mac_addresses() -> None:
    assert printed(BROKEN_HEADERS, "saddr", "daddr") == printed(UNTURNED, "saddr", "daddr")
    lines = printed(BROKEN_HEADERS, *NAMES)
    assert sum(line.split(",")[3] == "2048" and ":" in line.split(",")[1] for line in lines) > 10
    made = batch(BROKEN_HEADERS)
    assert printed(first_record(made) + ArgusEncoder().encode(made), *NAMES) == lines


def test_what_argus_reads_no_ports_of_has_none() -> None:
    lines = [line for line in printed(SCTP, "proto", "sport", "dport") if line.startswith("132")]
    assert lines
    assert set(lines) == {"132,,"}
    assert selected(SCTP, "sctp and port lt 53") == selected(SCTP, "sctp and port 0") == 0


@pytest.mark.parametrize(("data", "protocol"), [(BROKEN_HEADERS, "2048"), (SCTP, "132")], ids=["broken", "SCTP"])
def test_ra_prints_the_same(tmp_path: Path, data: bytes, protocol: str) -> None:
    argus_tools()
    (tmp_path / "made.argus").write_bytes(data)
    theirs = run_ra(tmp_path / "made.argus", "-nn", "-u", "-c", ",", "-L", "-1", "-s", *NAMES).splitlines()
    chosen = [[line for line in lines if line.split(",")[3] == protocol] for lines in (printed(data, *NAMES), theirs)]
    assert len(chosen[0]) > 10
    assert chosen[0] == chosen[1]


def test_the_lowest_vlan_priority_is_blank_and_can_be_asked_for() -> None:
    tagged = selected(USUAL, "src vid gte 0")
    assert selected(USUAL, "src vpri 0") == tagged > 0
    assert set(printed(USUAL, "svpri")) == {""}
