"""Edges and nodes of records, and the heaviest of them."""

import polars as pl

from processors.graphs import LinkTable
from processors.graphs.links import GROUP, NODE, RECORDS, SOURCE, TARGET, WEIGHT

FRAME = pl.DataFrame(
    {
        "one": ["a", "a", "b", "c", None],
        "two": ["x", "x", "x", "y", "x"],
        "three": ["p", "q", "p", "p", "p"],
        "side": ["in", None, "out", "out", "in"],
        "bytes": [5, 1, 10, 2, 100],
    }
)


def table(*names: str) -> LinkTable:
    return LinkTable([pl.col(name) for name in names], {0: pl.col("side")}, pl.col("bytes"))


def test_edges_are_what_records_add_up_to() -> None:
    links = table("one", "two")
    assert links.columns == {"one", "two", "side", "bytes"}
    for part in (FRAME.head(1), FRAME.slice(1)):
        links.add(part)
    graph = links.graph()
    assert graph.edges.select(SOURCE, TARGET, WEIGHT, RECORDS).rows() == [
        ("b", "x", 10.0, 1),
        ("a", "x", 6.0, 2),
        ("c", "y", 2.0, 1),
    ]
    assert graph.nodes.select(NODE, GROUP, WEIGHT).rows() == [
        ("x", None, 16.0),
        ("b", "out", 10.0),
        ("a", "in", 6.0),
        ("c", "out", 2.0),
        ("y", None, 2.0),
    ]
    assert (graph.all_edges, graph.all_weight) == (3, 18.0)


def test_three_fields_make_chains() -> None:
    links = table("one", "two", "three")
    links.add(FRAME)
    pairs = set(links.graph().edges.select(SOURCE, TARGET).iter_rows())
    assert pairs == {("a", "x"), ("b", "x"), ("c", "y"), ("x", "p"), ("x", "q"), ("y", "p")}


def test_the_heaviest_edges_are_kept_with_their_nodes() -> None:
    links = table("one", "two")
    links.add(FRAME)
    kept = links.graph().pruned(1)
    assert kept.nodes[NODE].to_list() == ["x", "b"]
    assert (kept.edges.height, kept.all_edges) == (1, 3)
    assert links.graph().pruned(None, 5).edges[SOURCE].to_list() == ["b", "a"]
    assert table("one", "two").graph().pruned(5).edges.height == 0


def test_records_that_are_alike_weigh_as_much_together_as_one_by_one() -> None:
    once = pl.DataFrame({"a": ["x", None, "x", "y"], "b": ["y", "y", "y", None], "side": [None, "in", "in", None]})
    frame = once.with_columns(pl.Series("bytes", [1, 2, 4, 8]))
    links = table("a", "b")
    links.add(pl.concat([frame] * 8))
    links.add(frame)
    found = links.graph()
    assert found.edges.rows() == [("x", "y", 45.0, 18)]
    assert found.nodes.sort("node")["group"].to_list() == ["in", None]
