"""Graphs of who talks with whom: for other programs, and to look at."""

import json
import os
import subprocess
import sys
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
from matplotlib.figure import Figure

from clients.main import main
from clients.ratree.drawing import draw, heading
from clients.ratree.nodes import by
from clients.reading.sources import to_frame
from processors.graphs import Graph, LinkTable
from tests.clients.flows import ten, write
from tests.clients.ragraph.test_ragraph import cut_off
from topics.fields import Style

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "flows.parquet", ten())


def busy(count: int) -> Graph:
    """A server with many clients, and pairs apart from it, with long names."""
    pairs = [(f"2001:db8:ffff:ffff:ffff:ffff:ffff:{number:x}", "server") for number in range(count)]
    pairs += [(f"left {number} " + "x" * 60, f"right {number}") for number in range(5)]
    return linked(pairs)


def rings(count: int) -> Graph:
    """Rings of ten that have nothing to do with each other."""
    return linked([(f"{ring}-{place}", f"{ring}-{(place + 1) % 10}") for ring in range(count) for place in range(10)])


def linked(pairs: list[tuple[str, str]]) -> Graph:
    frame = pl.DataFrame(pairs, schema=["one", "two"], orient="row").with_row_index("bytes", 1)
    links = LinkTable([pl.col("one"), pl.col("two")], {1: pl.col("two").str.slice(0, 5)}, pl.col("bytes"))
    links.add(frame)
    return links.graph()


def test_other_programs_read_the_same_graph(file: str, tmp_path: Path, capsys: Capture) -> None:
    for suffix in ("graphml", "json"):
        assert main(["ratree", "-r", file, "-w", str(tmp_path / f"g.{suffix}")]) == 0
    whole = json.loads((tmp_path / "g.json").read_text())
    one = nx.node_link_graph(whole, edges="links")
    other = nx.read_graphml(tmp_path / "g.graphml")
    assert set(one.edges) == set(other.edges) == {(f"10.0.0.{number}", "192.0.2.1") for number in range(1, 10)}
    for graph in (one, other):
        assert graph.edges["10.0.0.1", "192.0.2.1"] == {"weight": 480, "records": 2}
        assert (graph.nodes["10.0.0.1"]["group"], graph.nodes["192.0.2.1"]["group"]) == ("local", "remote")
    assert main(["ratree", "-r", file, "--edges", "2", "-m", "saddr", "dport", "-n", "--weight", "records"]) == 0
    shown = capsys.readouterr().out
    assert '"10.0.0.1" -> "80" [weight=100 ' in shown
    assert shown.count("->") == 2


def test_hosts_of_arp_and_of_merged_protocols_are_local_or_remote_too() -> None:
    batch = ten()
    batch.records["ethertype"][:5], batch.records["ethertype"][5:] = 0x0806, 0
    frame = to_frame(batch)
    told = {side: by("loc", f"{side}addr", Style()) for side in "sd"}
    assert told["s"] is not None
    assert told["d"] is not None
    assert set(frame.select(told["s"]).to_series()) == {"local"}
    assert set(frame.select(told["d"]).to_series()) == {"remote"}


def test_names_of_any_kind_are_quoted(tmp_path: Path) -> None:
    from clients.ratree.formats import dot, graphml

    links = LinkTable([pl.col("one"), pl.col("two")], {}, pl.col("bytes"))
    links.add(pl.DataFrame({"one": ['a"\\'], "two": ["<b>&\x00"], "bytes": [1]}))
    assert '"a\\"\\\\" -> "<b>&\x00"' in dot(links.graph(), "bytes")
    (tmp_path / "g.graphml").write_text(graphml(links.graph(), "bytes"))
    assert set(nx.read_graphml(tmp_path / "g.graphml").edges) == {('a"\\', "<b>&.")}


PLACES = """
from clients.ratree.drawing import positions
from tests.clients.ratree.test_ratree import rings
graph = rings(3)
print(positions(graph, graph.nodes["node"].to_list(), 900, 600).tolist())
"""


def test_places_do_not_depend_on_how_a_process_hashes_names() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PLACES],
            cwd=Path(__file__).resolve().parents[3],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize("size", [(760, 420), (200, 200)])
def test_no_name_is_cut_off(size: tuple[int, int]) -> None:
    graph = busy(20).pruned(22)
    page = draw(graph, "A title " * 20, heading(graph, "bytes", "B"), size)
    assert isinstance(page, Figure)
    assert cut_off(page) == [] if size[0] > 300 else True
    told = [text.get_text() for text in page.texts]
    assert any("22 of 25 edges" in text.replace("\n", " ") for text in told)
    assert {"serve", "right"} <= set(told)  # the legend


def test_a_picture_is_the_same_file_each_time(file: str, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{number}.svg") for number in (1, 2)]
    for name in names:
        assert main(["ratree", "-r", file, "-w", name, "--colour", "co"]) == 0
    one, other = (Path(name).read_bytes() for name in names)
    assert one == other
    assert len(one) > 3000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-m", "saddr"], "two fields or more"),
        (["-m", "saddr", "dadr"], "unknown field 'dadr'"),
        (["-w", "g.gif"], "graphs are .png, .svg"),
        (["--weight", "dur"], "'dur' does not add up over records"),
        (["--colour", "shape"], "nodes cannot be coloured by 'shape'"),
        (["--least", "much"], "option --least takes a number"),
        (["-w", "g.png", "--edges", "99999"], "shows nothing"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_line(file: str, words: list[str], message: str, capsys: Capture) -> None:
    assert main(["ratree", *words, "-r", file]) == 2
    assert message in capsys.readouterr().err


def test_no_record_selected_is_status_one(file: str) -> None:
    assert main(["ratree", "-r", file, "-", "arp"]) == 1
