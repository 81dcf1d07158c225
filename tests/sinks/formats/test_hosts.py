"""Files that say which hosts they hold, and readers that leave out what cannot be meant."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.main import main
from clients.reading.narrowing import rows_with_hosts
from sinks.formats import hosts, parquet
from tests.bench.codec import realistic_batch
from topics import filter as filters

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 500
NETS = 8


def addresses(net: int, rows: int = ROWS) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """IPv4 addresses of 10.0.NET.0/24 as records hold them, shape (rows, 16)."""
    found = np.zeros((rows, 16), np.uint8)
    found[:, 10:12] = 255
    found[:, 12] = 10
    found[:, 14] = net
    found[:, 15] = np.arange(rows) % 250
    return found


def packed(net: int, last: int) -> bytes:
    return b"\0" * 10 + b"\xff\xff" + bytes([10, 0, net, last])


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=60))
def test_no_address_that_is_there_is_denied(found: list[bytes]) -> None:
    rows = np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)
    (index,) = hosts.decoded(hosts.encoded([hosts.index_of(rows, rows[::-1])]), len(found)) or []
    assert all(index.may_hold(address) for address in found)


def test_few_addresses_that_are_not_there_are_affirmed() -> None:
    index = hosts.index_of(addresses(1), addresses(2))
    wrong = sum(index.may_hold(packed(net, last)) for net in range(10, 50) for last in range(250))
    assert wrong < 300


@pytest.mark.parametrize(
    "text", ["", "[]", "[[1]]", '[[500, "AA"]]', '[[500, ""]]', '[["a", "AAAA"]]', '{"a": 1}', "3"]
)
def test_an_index_that_cannot_be_meant_is_none(text: str) -> None:
    assert hosts.decoded(f"{zlib.crc32(text.encode()):08x} {text}", ROWS) is None


def test_damage_to_the_index_is_not_believed() -> None:
    text = hosts.encoded([hosts.index_of(addresses(1), addresses(2))])
    assert hosts.decoded(text, ROWS) is not None
    assert hosts.decoded(text, ROWS + 1) is None
    for place in range(0, len(text), 7):
        assert hosts.decoded(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :], ROWS) is None


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of NETS row groups, each with the hosts of one network."""
    monkeypatch.setattr(parquet, "ROW_GROUP", ROWS)
    writer = parquet.ParquetWriter(str(tmp_path / "flows.parquet"))
    for net in range(NETS):
        batch = realistic_batch(ROWS)
        batch.records["src_address"], batch.records["dst_address"] = addresses(net), addresses(net)
        writer.write(batch)
    writer.close()
    return str(tmp_path / "flows.parquet")


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("host 10.0.3.7", [(3 * ROWS, 4 * ROWS)]),
        ("src host 10.0.3.7 and tcp", [(3 * ROWS, 4 * ROWS)]),
        ("host 10.0.3.7 or host 10.0.4.7", [(3 * ROWS, 5 * ROWS)]),
        ("host 10.0.3.7 and host 10.0.4.7", []),
        ("host 192.0.2.1", []),
        ("host 2001:db8::1", []),
        ("host 10.0.3.7 or tcp", None),
        ("not host 10.0.3.7", None),
        ("net 10.0.3.0/24", None),
        ("host (10.0.0.1 or 10.0.1.1 or 10.0.2.1 or 10.0.3.1 or 10.0.4.1)", None),
    ],
)
def test_only_rows_that_may_hold_the_hosts_are_read(
    path: str, expression: str, rows: list[tuple[int, int]] | None
) -> None:
    assert rows_with_hosts(path, filters.parse(expression)) == rows


@pytest.mark.parametrize("expression", ["host 10.0.3.7", "host 10.0.3.7 or host 10.0.5.7", "host 192.0.2.1"])
def test_what_is_selected_is_what_a_whole_reading_selects(
    path: str, expression: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = filters.compile(expression)
    assert wanted is not None
    selected = pl.read_parquet(path).filter(wanted)
    arguments = ["-r", path, "-L", "-1", "-s", "stime", "saddr", "-", *expression.split()]
    assert main(["ra", *arguments]) in {0, 1}
    assert len(capsys.readouterr().out.splitlines()) == selected.height
    assert main(["racluster", "-m", "saddr", *arguments]) in {0, 1}
    assert len(capsys.readouterr().out.splitlines()) == selected["src_address"].n_unique()


def test_a_file_with_an_index_of_something_else_is_read_whole(path: str) -> None:
    table = pq.read_table(path)
    wrong = json.dumps([[1, "AAAA"]])
    pq.write_table(table.replace_schema_metadata({hosts.METADATA_KEY: wrong}), path)
    assert rows_with_hosts(path, filters.parse("host 10.0.3.7")) is None
