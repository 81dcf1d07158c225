"""Few rows of many pieces, looked at as one, say what the pieces say; labels of containers and pods stand on pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from clients.reading.sources import to_batch
from clients.web.columns import archive as pieces
from clients.web.columns import engine
from clients.web.serving.app import application
from clients.web.site import Site
from sinks.formats.parquet import ParquetWriter
from sinks.formats.scan import scan
from tests.clients.web.server.conftest import setup_of, wait_until_prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "10.20.5.53"
LABELS = "scontainer=web-{}:spod=shop/web:sprocess=nginx:sowner=www:dco=DE:das=64496:dswitch=s1:dswport=Gi{}"
QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("overview", {"q": f"host {HOST}", "compare": "1"}),
    ("overview", {"q": "net 2001:db8::/32", "by": "addr", "metric": "rtt"}),
    ("series", {"q": "bytes gt 500", "by": "dport", "direction": "1"}),
    ("top", {"q": f"host {HOST}", "by": "sttl"}),
    (f"host/{HOST}", {}),
    (f"host/{HOST}", {"q": "bytes gt 300"}),
    ("graph", {"q": "udp", "by": "net"}),
    ("geography", {"q": "dst port 53"}),
    ("new", {"q": "udp", "from": "1773133440"}),
    ("overview", {"q": "host 192.0.2.222"}),
)


@pytest.fixture(scope="module")
def labelled(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a page on flows with labels, in pieces of 100 rows."""
    place = tmp_path_factory.mktemp("labelled")
    frame = scan([str(next(archive.rglob("flows*.parquet")))]).collect()
    labels = [LABELS.format(row % 2, row % 3) for row in range(frame.height)]
    (place / "data").mkdir()
    writer = ParquetWriter(str(place / "data" / "flows.parquet"))
    writer.write(to_batch(frame.with_columns(pl.Series("labels", labels))))
    writer.close()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pieces, "PIECE", 100)
        with TestClient(application(Site(setup_of(place / "data", place))), base_url="http://localhost") as client:
            wait_until_prepared(client)
            yield client


def test_few_rows_say_together_what_they_say_piece_by_piece(
    labelled: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = [answer(labelled, path, **said) for path, said in QUESTIONS]
    monkeypatch.setattr(engine.Engine, "together", engine.Engine.each)
    for (path, said), found in zip(QUESTIONS, together, strict=True):
        assert answer(labelled, path, **said, again="1") == found, (path, said)


def answer(client: TestClient, path: str, **said: Any) -> Any:
    found = client.get(f"/api/{path}", params=said).json()
    found.pop("took_ms", None)
    return rounded(found)


def rounded(value: Any) -> Any:
    """Return an answer with means as exact as the order of their sums leaves them."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) and abs(value) < 1e6 else value


def test_processes_containers_and_switch_ports_stand_on_the_page_of_a_host(labelled: TestClient) -> None:
    flow = labelled.get("/api/flows", params={"q": "udp", "limit": 1, "fields": "saddr,daddr"}).json()["rows"][0]
    explained = labelled.get(f"/api/flow/{flow['id']}", params={"at": flow["at"]}).json()
    ends = {end["address"]: end for end in explained["ends"].values()}
    source = next(end for end in ends.values() if end["pod"])
    assert (source["pod"], source["process"], source["user"]) == ("shop/web", "nginx", "www")
    assert source["container"] in {"web-0", "web-1"}
    host = labelled.get(f"/api/host/{source['address']}").json()
    told = [(row["process"], row["user"], row["container"], row["pod"]) for row in host["used_by"]]
    assert sorted(told) == [("nginx", "www", "web-0", "shop/web"), ("nginx", "www", "web-1", "shop/web")]
    began = labelled.get("/api/flows", params={"q": f"src host {source['address']}", "limit": 1}).json()["total"]
    assert sum(row["flows"] for row in host["used_by"]) == began
    other = labelled.get(f"/api/host/{HOST}").json()
    assert {row["port"] for row in other["attached"]} == {"Gi0", "Gi1", "Gi2"}
    assert [(row["as"], row["country"]) for row in other["networks"]] == [("64496", "DE")]
