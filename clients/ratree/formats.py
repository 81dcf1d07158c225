"""Graphs as other programs read them: Graphviz's DOT, GraphML, and JSON with nodes and links."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from clients.pictures.colours import colour, lightness
from processors.graphs.links import GROUP, NODE, RECORDS, SOURCE, TARGET, WEIGHT

if TYPE_CHECKING:
    from processors.graphs import Graph

DARK = 50  # lightness below which text on a colour is white
WIDEST = 8.0
KEYS = (
    ("weight", "node", "weight", "double"),
    ("group", "node", "group", "string"),
    ("edge_weight", "edge", "weight", "double"),
    ("records", "edge", "records", "long"),
)


def groups(graph: Graph) -> list[str]:
    """Return what nodes belong to, those that weigh most first: the place of each gives its colour."""
    sums: dict[str, float] = {}
    for group, weight in graph.nodes.select(GROUP, WEIGHT).iter_rows():
        if group is not None:
            sums[group] = sums.get(group, 0.0) + weight
    return sorted(sums, key=lambda group: (-sums[group], group))


def dot(graph: Graph, _: str) -> str:
    """Return a digraph for dot, neato or sfdp; widths go by weight."""
    places = {name: place for place, name in enumerate(groups(graph))}
    heaviest = max(graph.edges[WEIGHT].to_list(), default=1.0) or 1.0
    lines = [
        "digraph conversations {",
        '  node [shape=box style="rounded,filled" fillcolor="#ffffff" fontname="sans-serif"];',
    ]
    names = {node: _quoted(node) for node in graph.nodes[NODE].to_list()}
    looks = {group: _look(group, places) for group in graph.nodes[GROUP].unique().to_list()}
    lines += [f"  {names[node]} [{looks[group]}];" for node, group in graph.nodes.select(NODE, GROUP).iter_rows()]
    for source, target, weight, records in graph.edges.select(SOURCE, TARGET, WEIGHT, RECORDS).iter_rows():
        width, share = max(0.5, WIDEST * (weight / heaviest) ** 0.5), max(1, round(100 * weight / heaviest))
        told = f'"{weight:g} in {records} records"'
        lines.append(f"  {names[source]} -> {names[target]} [weight={share} penwidth={width:.2f} tooltip={told}];")
    return "\n".join([*lines, "}", ""])


def _look(group: str | None, places: dict[str, int]) -> str:
    face = colour(places[group]) if group is not None else "#ffffff"
    ink = "#ffffff" if lightness(face) < DARK else "#000000"
    told = f" tooltip={_quoted(group)}" if group is not None else ""
    return f'fillcolor="{face}" fontcolor="{ink}"{told}'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def graphml(graph: Graph, measure: str) -> str:
    """Return GraphML (graphml.graphdrawing.org) with weights and groups as attributes."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [
        f'  <key id="{key}" for="{kind}" attr.name="{name}" attr.type="{holds}"/>' for key, kind, name, holds in KEYS
    ]
    lines.append(f'  <graph id={quoteattr(measure)} edgedefault="directed">')
    for node, group, weight in graph.nodes.select(NODE, GROUP, WEIGHT).iter_rows():
        more = f'<data key="group">{_xml(group)}</data>' if group is not None else ""
        lines.append(f'    <node id={quoteattr(_plain(node))}><data key="weight">{weight:.12g}</data>{more}</node>')
    for source, target, weight, records in graph.edges.select(SOURCE, TARGET, WEIGHT, RECORDS).iter_rows():
        lines.append(
            f"    <edge source={quoteattr(_plain(source))} target={quoteattr(_plain(target))}>"
            f'<data key="edge_weight">{weight:.12g}</data><data key="records">{records}</data></edge>'
        )
    return "\n".join([*lines, "  </graph>", "</graphml>", ""])


def _xml(text: str) -> str:
    return escape(_plain(text))


def _plain(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return "".join(character if character.isprintable() else "." for character in text)


def json_text(graph: Graph, measure: str) -> str:
    """Return an object with `nodes` and `links`, as node-link readers (D3, networkx) take it."""
    nodes = [
        {"id": node, "weight": weight, **({} if group is None else {"group": group})}
        for node, group, weight in graph.nodes.select(NODE, GROUP, WEIGHT).iter_rows()
    ]
    links = [
        {"source": source, "target": target, "weight": weight, "records": records}
        for source, target, weight, records in graph.edges.select(SOURCE, TARGET, WEIGHT, RECORDS).iter_rows()
    ]
    whole = {"directed": True, "multigraph": False, "graph": {"weight": measure}, "nodes": nodes, "links": links}
    return json.dumps(whole, ensure_ascii=False) + "\n"


FORMATS = {"dot": dot, "gv": dot, "graphml": graphml, "json": json_text}
