"""Flows by the page: any order, any page of it, groups, files, commands."""

from __future__ import annotations

import io
import json
import shlex
from typing import TYPE_CHECKING

import polars as pl
import pytest

from clients.main import main
from clients.web.flows.exporting import write
from tests.clients.web.server.test_traffic import asked, flows
from tests.local_time import local_time
from tests.traffic.sample.story import START

SECOND = 1_000_000_000

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.web.server.conftest import Page


@pytest.mark.parametrize(
    "sort", ["stime", "-stime", "-bytes", "bytes", "dport", "-loss", "saddr", "-dur", "state", "-load"]
)
def test_pages_make_up_the_whole_in_order(page: Page, sort: str) -> None:
    name = sort.removeprefix("-")
    said = {"fields": f"{name},saddr", "sort": sort, "limit": 200}
    rows = [row for offset in (0, 200, 400, 600) for row in asked(page, "/api/flows", offset=offset, **said)["rows"]]
    assert len({row["id"] + row["at"] for row in rows}) == len(rows) == 503
    values = [row["values"][0] for row in rows]
    if name not in {"saddr", "state"}:
        assert values == sorted(values, reverse=sort.startswith("-"))
    elif name == "state":
        assert values == sorted(values)
    else:
        plain = [value for value in values if value.count(".") == 3]
        assert plain == sorted(plain, key=lambda text: [int(part) for part in text.split(".")])


def test_columns_in_memory_say_what_files_say(page: Page) -> None:
    quick = "stime,ltime,dur,proto,saddr,sport,daddr,dport,spkts,dpkts,sbytes,dbytes,loss,state,tcprtt,dname"
    one = asked(page, "/api/flows", fields=quick, limit=1000, sort="stime")
    other = asked(page, "/api/flows", fields=f"{quick},cause", limit=1000, sort="stime")
    for few, more in zip(one["rows"], other["rows"], strict=True):
        assert few["id"] == more["id"]
        for left, right in zip(few["values"], more["values"], strict=False):
            assert left == (pytest.approx(right, abs=2e-6) if isinstance(right, float) else right)
        assert few["text"] == more["text"][:-1]


def test_groups_are_those_of_racluster(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"group": "saddr,daddr", "q": "tcp", "sort": "-bytes", "limit": 5, "fields": "flows,pkts,bytes"}
    found = asked(page, "/api/flows", **said)
    words = shlex.split(found["command"])
    assert words[:2] == ["argosy", "racluster"]
    assert main([*words[1:]]) == 0
    capsys.readouterr()
    wanted = (
        flows(page.data, "tcp").group_by("saddr", "daddr").agg(pl.len(), pl.col("pkts").sum(), pl.col("bytes").sum())
    )
    assert found["total"] == wanted.height
    assert [row["values"] for row in found["rows"]] == [
        list(row) for row in wanted.sort("bytes", descending=True).head(5).iter_rows()
    ]
    for row in found["rows"]:
        assert asked(page, "/api/flows", q=row["filter"], limit=1)["total"] == row["values"][2]


@pytest.mark.parametrize("keys", ["saddr", "saddr,daddr", "dport", "proto,sport", "saddr,daddr,proto,dport", "dttl"])
def test_groups_hold_what_racluster_merges(page: Page, keys: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("trans", "spkts", "dpkts", "sbytes", "dbytes", "loss")
    found = asked(page, "/api/flows", group=keys, q="ip", fields=",".join(names), limit=1000)
    capsys.readouterr()
    words = ["racluster", "-R", str(page.data), "-m", *keys.split(","), "-c", ",", "-L", "-1", "-s", *names, "-", "ip"]
    assert main(words) == 0
    told = [tuple(map(int, line.split(","))) for line in capsys.readouterr().out.splitlines() if line[0].isdigit()]
    many = len(keys.split(","))
    assert sorted(tuple(row["values"][many:]) for row in found["rows"]) == sorted(told)


def test_text_of_the_network_begins_no_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    hostile = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "host.example", "a=b", "", None]
    frame = pl.DataFrame({"dname": hostile, "bytes": range(-5, 5), "dir": ["->"] * 10})
    for name in ("flows.csv", "flows.json"):
        write(frame, tmp_path / name)
    found = pl.read_csv(tmp_path / "flows.csv")
    assert [text[:2] for text in found["dname"].to_list()[:6]] == ["'=", "'+", "'-", "'@", "'\t", "'\r"]
    assert found["dname"].to_list()[6:8] == ["host.example", "a=b"]
    assert found["bytes"].to_list() == list(range(-5, 5))
    assert set(found["dir"].to_list()) == {"->"}
    assert pl.read_ndjson(tmp_path / "flows.json")["dname"].to_list() == hostile


COMMANDED: list[dict[str, str]] = [
    {"q": "udp and (port 53 or port 5353)", "t": "-5m", "anchor": "end"},
    {"t": "x-5m", "anchor": "end"},
    {"t": "2026/03/10.10:03-2026/03/10.10:04", "tz": "Europe/Berlin"},
    {"t": "2026/03/10.**:50", "tz": "Asia/Kathmandu"},
    {"from": f"{START / SECOND + 60.25:.6f}", "to": f"{START / SECOND + 61.5:.6f}"},
    {"from": f"{START / SECOND + 60:.6f}", "group": "service", "q": "tcp or udp", "sort": "pkts"},
    {"group": "addr", "q": "ip", "fields": "spkts,dpkts,bytes"},
]


@pytest.mark.parametrize("said", COMMANDED, ids=lambda said: next(iter(said.values())))
def test_the_command_shown_selects_as_much(
    page: Page, said: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(page, "/api/flows", **{"fields": "saddr,daddr", **said})
    assert str(page.data.absolute()) in found["command"]
    capsys.readouterr()
    assert typed(found["command"], monkeypatch) == 0
    assert len(capsys.readouterr().out.splitlines()) - 1 == found["total"] > 0


def typed(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line as a shell far away from the server's clock would, and return its exit code."""
    words = shlex.split(command)
    with local_time(monkeypatch, words.pop(0).removeprefix("TZ=") if words[0].startswith("TZ=") else "Asia/Tokyo"):
        return main(words[1:])


def test_hosts_are_counted_with_the_flows_of_both_ends(page: Page) -> None:
    found = asked(page, "/api/flows", group="addr", fields="flows,pkts,sbytes,dbytes", limit=1000)
    assert found["total"] == asked(page, "/api/overview")["totals"]["hosts"]
    for row in found["rows"][:5]:
        host, many, packets, sent, received = row["values"]
        own = flows(page.data, f"host {host}")
        assert (many, packets) == (own.height, own["pkts"].sum())
        assert sent == own.select(pl.when(saddr=host).then("sbytes").otherwise("dbytes").sum()).item()
        assert sent + received == own["bytes"].sum()
        assert asked(page, "/api/flows", q=row["filter"], limit=1)["total"] == many


def read(kind: str, content: bytes) -> pl.DataFrame:
    if kind == "parquet":
        return pl.read_parquet(io.BytesIO(content))
    return pl.read_csv(io.BytesIO(content)) if kind == "csv" else pl.read_ndjson(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_exports_hold_what_is_shown(page: Page, kind: str) -> None:
    said = {"q": "tcp", "fields": "stime,saddr,dport,bytes,dur", "sort": "-bytes", "format": kind}
    answer = page.client.get("/api/flows/export", params=said)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    frame = read(kind, answer.content)
    assert frame["bytes"].to_list() == flows(page.data, "tcp").sort("bytes", descending=True)["bytes"].to_list()
    grouped = page.client.get("/api/flows/export", params={"group": "proto", "format": kind})
    assert read(kind, grouped.content)["flows"].sum() == 503


def test_filters_are_checked_and_completed(page: Page) -> None:
    wrong = asked(page, "/api/filter/check", q="tcp and dst prt 80")
    assert wrong["ok"] is False
    assert (wrong["error"]["column"], wrong["error"]["length"]) == (13, 3)
    assert asked(page, "/api/filter/check", q="tcp and dst port 80")["ok"] is True
    items = asked(page, "/api/filter/complete", q="tcp and dst po", at=14)
    assert (items["from"], items["to"]) == (12, 14)
    assert "port" in [item["label"] for item in items["items"]]
    hosts = asked(page, "/api/filter/complete", q="host 10.20.5")["items"]
    assert "10.20.5.53" in [item["label"] for item in hosts]


def test_a_flow_is_explained_alike_on_the_page_and_on_a_terminal(
    page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    row = asked(page, "/api/flows", q="dname = www.example.com and tcp", limit=1)["rows"][0]
    told = asked(page, f"/api/flow/{row['id']}", at=row["at"])
    assert told["id"] == row["id"]
    assert told["dns"][0]["name"] == "www.example.com"
    assert told["ends"]["dst"]["names"][0]["name"] == "www.example.com"
    assert told["observers"][0]["probe"] == "tap"
    assert asked(page, f"/api/flow/{row['id']}") == told
    assert main(["explain", row["id"], "-R", str(page.data), "-M", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert main(["explain", row["id"], "-R", str(page.data)]) == 0
    assert "DNS that led to it" in capsys.readouterr().out
    assert main(["explain", "0" * 32, "-R", str(page.data)]) == 1
    assert page.client.get(f"/api/flow/{'0' * 32}").status_code == 404


def test_copies_are_explained(page: Page) -> None:
    records = pl.scan_parquet(list(page.data.rglob("*.parquet"))).filter(
        pl.col("src_duplicate_packets") + pl.col("dst_duplicate_packets") > 0
    )
    flow = records.select("flow_id").head(1).collect().item().hex()
    told = asked(page, f"/api/flow/{flow}")
    assert told["duplicates"]["packets"] > 0
    assert any("TTL" in text for text in told["duplicates"]["why"])
