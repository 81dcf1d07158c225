"""What the page adds up is what the commands say of the same flows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from sinks.formats.scan import scan
from topics import filter as filters
from topics.fields import field

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.web.server.conftest import Page


def flows(data: Path, text: str = "") -> pl.DataFrame:
    """Return the flows that a filter selects, as `argosy ra` would, with some fields."""
    names = ("saddr", "daddr", "proto", "dport", "pkts", "bytes", "sbytes", "dbytes", "loss", "state", "stime")
    records = scan([str(path) for path in sorted(data.rglob("*.parquet"))])
    wanted = filters.compile(text) if text else None
    chosen = records if wanted is None else records.filter(wanted)
    return chosen.select(field(name).value().alias(name) for name in names).collect()


def asked(page: Page, path: str, **said: Any) -> Any:
    answer = page.client.get(path, params=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


FILTERS = [
    "",
    "tcp and dst port 443",
    "udp or arp",
    "host 10.20.5.53",
    "not src net 10.20.0.0/16",
    "src and dst net 10.0.0.0/8",
    "net 2001:db8::/32",
    "bytes gt 5000",
    "not src pkts gt 3 and not src port lt 1024",
    "dst bytes lt 99999999999 and (icmp or tcp or udp)",
    "dname = www.example.com",
    "not dname = www.example.com",
    'dname ~ "example"',
    "state = FIN and not port 443",
    "saddr ~ '^10'".replace("'", '"'),
    "dur gt 1",
    "(host 10.20.1.23 or host 10.20.1.34) and udp",
]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_selects_what_ra_selects(page: Page, text: str) -> None:
    found, wanted = asked(page, "/api/overview", q=text), flows(page.data, text)
    totals = found["totals"]
    assert totals["flows"] == wanted.height
    for name in ("pkts", "bytes", "sbytes", "dbytes"):
        assert totals[name] == wanted[name].sum()
    assert totals["lost"] == wanted["loss"].sum()
    assert totals["hosts"] == pl.concat([wanted["saddr"], wanted["daddr"]]).n_unique()


def test_series_add_up_to_the_totals(page: Page) -> None:
    found = asked(page, "/api/series", by="proto", metric="bytes", bins=30, top=2, direction=1)
    wanted = flows(page.data)
    by_proto = dict(wanted.group_by("proto").agg(pl.col("bytes").sum()).iter_rows())
    largest = sorted(by_proto, key=lambda name: -by_proto[name])[:2]
    assert [line["key"] for line in found["series"]] == largest
    for line in found["series"]:
        assert sum(line["values"]) == line["total"] == by_proto[line["key"]]
        assert [a + b for a, b in zip(line["up"], line["down"], strict=True)] == line["values"]
    assert found["rest"]["total"] == wanted["bytes"].sum() - sum(by_proto[name] for name in largest)
    assert len(found["series"][0]["values"]) == found["bins"] <= 31


def test_a_part_of_the_time_is_drawn_as_it_is_in_the_whole(page: Page) -> None:
    whole = asked(page, "/api/series", metric="bytes", bins=30)
    begin, step = whole["start"] + 3 * whole["step"], whole["step"]
    ends = {"from": f"{begin:.6f}", "to": f"{begin + 5 * step - 0.001:.6f}"}
    part = asked(page, "/api/series", metric="bytes", bins=5, **ends)
    assert (part["start"], part["step"]) == (begin, step)
    assert part["series"][0]["values"] == whole["series"][0]["values"][3:8]
    assert part["series"][0]["total"] < asked(page, "/api/overview", **ends)["totals"]["bytes"]  # of flows that go on


def test_a_part_of_the_time_is_what_ra_takes(page: Page) -> None:
    first = asked(page, "/api/meta")["span"]["from"]
    found = asked(
        page,
        "/api/flows",
        **{"from": f"{first + 60:.6f}", "to": f"{first + 120:.6f}"},
        fields="stime,ltime",
        limit=1000,
    )
    assert 0 < found["total"] < 503
    for row in found["rows"]:
        assert row["values"][0] < first + 120
        assert row["values"][1] >= first + 60
    relative = asked(page, "/api/overview", t="-1m", anchor="end")
    assert 0 < relative["totals"]["flows"] < 503


def test_tops_lead_to_the_flows_behind_them(page: Page) -> None:
    for by in ("addr", "service", "proto", "state", "dport", "daddr", "name", "sttl"):
        rows = asked(page, "/api/top", by=by, metric="flows", limit=5)["rows"]
        assert rows
        for row in rows:
            if row["filter"] is not None and by != "addr":
                assert asked(page, "/api/flows", q=row["filter"], limit=1)["total"] == row["flows"], row
    pairs = flows(page.data).select("saddr", "daddr").iter_rows()
    ends = Counter(address for pair in pairs for address in set(pair))
    for row in asked(page, "/api/top", by="addr", metric="flows", limit=50)["rows"]:
        assert row["flows"] == ends[row["key"]]


def test_what_is_new_was_not_there_before(page: Page) -> None:
    span = asked(page, "/api/meta")["span"]
    middle = (span["from"] + span["to"]) / 2
    found = asked(page, "/api/new", **{"from": f"{middle:.6f}", "to": f"{span['to'] + 1:.6f}"}, against=600)
    assert found["baseline"]["records"] > 0
    assert found["hosts"]
    for row in found["hosts"]:
        before = asked(page, "/api/flows", q=row["filter"], to=f"{middle:.6f}", limit=1)
        assert before["total"] == 0
        assert row["first"] >= middle - 60


def test_loss_and_round_trips(page: Page) -> None:
    found = asked(page, "/api/quality", bins=10)
    assert any(value for value in found["loss"])
    known = [value for value in found["rtt"]["p50"] if value is not None]
    assert known
    assert all(0.0001 < value < 1 for value in known)
    assert sum(row["flows"] for row in found["states"]) == 503
    assert found["worst"][0]["lost"] > 0
    for pair in found["worst"]:
        own = flows(page.data, pair["filter"])
        assert (pair["flows"], pair["lost"], pair["pkts"]) == (own.height, own["loss"].sum(), own["pkts"].sum())


def test_a_mean_of_all_bins_is_that_of_what_they_are_of(page: Page) -> None:
    for metric in ("rtt", "loss"):
        drawn = asked(page, "/api/series", by="proto", metric=metric)["series"]
        told = {row["key"]: row[metric] for row in asked(page, "/api/top", by="proto", metric=metric)["rows"]}
        assert [line["total"] for line in drawn] == pytest.approx([told[line["key"]] for line in drawn])


def test_a_lone_packet_has_no_rate(page: Page) -> None:
    row = asked(page, "/api/flows", q="pkts = 1", fields="stime", limit=1)["rows"][0]
    at = f"{row['values'][0]:.6f}"
    totals = asked(page, "/api/overview", **{"from": at, "to": f"{at}000001"[: len(at)] + "001"})["totals"]
    assert totals["flows"] > 0
    assert (totals["bps"], totals["pps"]) == (None, None)


def test_answers_are_kept_until_the_archive_changes(page: Page) -> None:
    first = page.client.get("/api/top", params={"by": "proto"})
    assert page.client.get("/api/top", params={"by": "proto", "id": "again"}).content == first.content
