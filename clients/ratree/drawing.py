"""A graph as a picture: nodes that talk lie near each other, names where they hide least, nothing beyond the page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.pictures import paper
from clients.pictures.colours import INK, OTHERS, colour
from clients.pictures.numbers import with_unit
from clients.ratree.formats import groups
from processors.graphs.links import GROUP, NODE, SOURCE, TARGET, WEIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from processors.graphs import Graph

    Points = np.ndarray[Any, np.dtype[np.float64]]
    Area = tuple[float, float, float, float]

EDGE_INK = "#8a8a8a"
LETTER, LINE, MARGIN, ROW = 5.4, 11.0, 16.0, 16
LARGEST, SMALLEST, WIDEST, THINNEST = 12.0, 4.0, 5.0, 0.6  # pixels
POINTS = 0.72  # of a pixel
LONGEST = 40
TITLE_LETTER = 7.3
SEED, ROUNDS = 7, 150


def draw(graph: Graph, title: str, told: str, size: tuple[int, int], zoom: float = 1) -> Figure:
    """Return the picture of so many pixels, its legends below; `told` is the line under the title."""
    with paper.style():
        return _page(graph, title, told, size, zoom)


def _page(graph: Graph, title: str, told: str, size: tuple[int, int], zoom: float) -> Figure:
    from matplotlib.patches import Ellipse
    from matplotlib.patheffects import withStroke

    width, height = size
    lines = textwrap.wrap(title, max(8, int(width / 9))), textwrap.wrap(told, max(12, int(width / TITLE_LETTER)))
    top = 10 + 20 * len(lines[0]) + ROW * len(lines[1])
    named = groups(graph)
    page = paper.figure(width, top + height + ROW * (len(named) + 1) * bool(named), zoom)
    for place, line in enumerate(lines[0]):
        paper.text(page, MARGIN, 8 + 20 * place, line, fontsize=11, fontweight="bold", color=INK)
    paper.text(page, MARGIN, 10 + 20 * len(lines[0]), "\n".join(lines[1]), color=INK)
    names = graph.nodes[NODE].to_list()
    labels = [name if len(name) <= LONGEST else f"{name[:19]}…{name[-20:]}" for name in names]
    points = positions(graph, labels, width, height)
    axes = page.add_axes(paper.box(page, 0, top, width, height))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    rows = {name: number for number, name in enumerate(names)}
    radii = _radii(graph)
    heaviest = max(graph.edges[WEIGHT].to_list(), default=1.0) or 1.0
    for source, target, weight in graph.edges.select(SOURCE, TARGET, WEIGHT).iter_rows():
        one, other = rows[source], rows[target]
        wide = THINNEST + (WIDEST - THINNEST) * (weight / heaviest) ** 0.5
        _arrow(axes, (points[one], points[other]), (radii[one], radii[other]), wide)
    faces = {group: colour(number) for number, group in enumerate(named)}
    for number, group in enumerate(graph.nodes[GROUP].to_list()):
        side, face = 2 * radii[number], faces.get(group, OTHERS)
        node = Ellipse(tuple(points[number]), side, side, facecolor=face, edgecolor=INK, linewidth=0.6, zorder=2)
        axes.add_patch(node)
    for number, (x, y) in enumerate(_label_places(points, labels, radii, width, height)):
        shown = axes.text(x, y, labels[number], fontsize=7, color=INK, va="center", parse_math=False, zorder=3)
        shown.set_path_effects([withStroke(linewidth=1.6, foreground="white", alpha=0.8)])
    _legend(page, top + height, faces)
    return page


def _arrow(axes: Axes, ends: tuple[Points, Points], radii: tuple[float, float], width: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    start, end = (tuple(point) for point in ends)
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            connectionstyle="arc3,rad=0.08",
            shrinkA=radii[0] * POINTS,
            shrinkB=radii[1] * POINTS,
            linewidth=width,
            color=EDGE_INK,
            alpha=0.75,
            zorder=1,
        )
    )


def positions(graph: Graph, labels: list[str], width: int, height: int) -> Points:
    """Return where nodes lie, pixels, shape (nodes, 2): the same graph gives the same places.

    What is linked shares a rectangle of the page, the larger the more there is of it.
    """
    import networkx as nx

    names = graph.nodes[NODE].to_list()
    drawn: Any = nx.Graph()
    drawn.add_nodes_from(names)
    for source, target, weight in graph.edges.select(SOURCE, TARGET, WEIGHT).iter_rows():
        if source != target:
            drawn.add_edge(source, target, weight=1 + np.log1p(weight) / 10)
    place = {name: number for number, name in enumerate(names)}
    parts = sorted(
        (sorted(part, key=place.__getitem__) for part in nx.connected_components(drawn)),
        key=lambda p: (-len(p), place[p[0]]),
    )
    found = np.zeros((len(names), 2))
    for part, area in zip(parts, _areas([len(part) + 1.0 for part in parts], (0, 0, width, height)), strict=True):
        rows = [place[name] for name in part]
        room = max(len(labels[row]) for row in rows) * LETTER + LARGEST
        found[rows] = _inside(_layout(_ordered(drawn, part), part), area, room)
    return found


def _areas(sizes: list[float], area: Area) -> list[Area]:
    """Cut a rectangle (left, top, width, height) into parts of these sizes, the largest first, none too narrow."""
    if len(sizes) < 2:
        return [area] * len(sizes)
    half, cut = 0.0, 0
    while cut == 0 or (cut < len(sizes) - 1 and half + sizes[cut] <= sum(sizes) / 2):
        half += sizes[cut]
        cut += 1
    share, (left, top, wide, high) = half / sum(sizes), area
    if wide > 1.5 * high:  # names are wide
        one, other = (left, top, wide * share, high), (left + wide * share, top, wide * (1 - share), high)
    else:
        one, other = (left, top, wide, high * share), (left, top + high * share, wide, high * (1 - share))
    return [*_areas(sizes[:cut], one), *_areas(sizes[cut:], other)]


def _ordered(graph: Any, names: list[str]) -> Any:  # noqa: ANN401 - graphs of networkx, which has no types
    """Return the part of a graph that has these nodes, in this order; a view of it may be in that of their hashes."""
    import networkx as nx

    part: Any = nx.Graph()
    part.add_nodes_from(names)
    part.add_edges_from(graph.edges(names, data=True))
    return part


def _layout(part: Any, names: list[str]) -> Points:  # noqa: ANN401 - a graph of networkx, which has no types
    import networkx as nx

    if len(names) < 3:
        return np.array([[0.2, 0.2], [0.8, 0.8]][: len(names)])
    spring = nx.spring_layout(part, k=2.5 / np.sqrt(len(names)), iterations=ROUNDS, seed=SEED, method="force")
    points = np.array([spring[name] for name in names])
    # Half of where springs put them and half of their order, or what is dense in the middle hides itself.
    order = points.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / (len(names) - 1)
    return (_unit(points) + order) / 2


def _unit(points: Points) -> Points:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - low) / np.where(high > low, high - low, 1))


def _inside(points: Points, area: Area, room: float) -> Points:
    """Return points of the unit square within a rectangle, with room for names at its right."""
    left, top, wide, high = area
    room = min(room, wide / 2)
    free = np.array([max(10.0, wide - room - 2 * MARGIN), max(10.0, high - 2 * MARGIN - LINE)])
    return np.asarray(points * free + (left + MARGIN, top + MARGIN))


def _radii(graph: Graph) -> Points:
    weights = graph.nodes[WEIGHT].to_numpy()
    heaviest = float(weights.max(initial=0)) or 1.0
    return np.asarray(SMALLEST + (LARGEST - SMALLEST) * (weights / heaviest) ** 0.5)


def _label_places(
    points: Points, labels: list[str], radii: Points, width: int, height: int
) -> list[tuple[float, float]]:
    """Return where the left end of each label is: beside, above or below its node, where it hides least."""
    taken: list[tuple[float, float, float, float]] = [
        (x - r, y - r, x + r, y + r) for (x, y), r in zip(points.tolist(), radii.tolist(), strict=True)
    ]
    places = []
    for (x, y), label, radius in zip(points.tolist(), labels, radii.tolist(), strict=True):
        long = len(label) * LETTER
        gap = radius + 3
        tried = [(x + gap, y), (x - long / 2, y - gap - 5), (x - long / 2, y + gap + 5), (x - gap - long, y)]
        inside = [
            (min(max(2, left), max(2, width - long - 2)), min(max(7, middle), height - 7)) for left, middle in tried
        ]
        boxes = [(left, middle - LINE / 2, left + long, middle + LINE / 2) for left, middle in inside]
        hidden = [sum(_overlap(box, other) for other in taken) for box in boxes]
        best = hidden.index(min(hidden))
        taken.append(boxes[best])
        places.append(inside[best])
    return places


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _legend(page: Figure, top: float, faces: dict[str, str]) -> None:
    from matplotlib.patches import Rectangle

    for number, (group, face) in enumerate(faces.items()):
        x, y, wide, high = paper.box(page, MARGIN, top + number * ROW + 2, 13, ROW - 6)
        page.add_artist(Rectangle((x, y), wide, high, facecolor=face, edgecolor=INK, linewidth=0.4))
        paper.text(page, MARGIN + 20, top + number * ROW, group[:LONGEST], fontsize=8.5, color=INK)


def heading(graph: Graph, measure: str, unit: str) -> str:
    """Return what the picture shows of all there was."""
    weight = float(graph.edges[WEIGHT].sum())
    share = 100 * weight / graph.all_weight if graph.all_weight else 100.0
    edges = (
        f"{graph.edges.height:,} of {graph.all_edges:,} edges"
        if graph.edges.height < graph.all_edges
        else f"{graph.all_edges:,} edges"
    )
    return f"{graph.nodes.height:,} nodes, {edges}, {share:.3g} % of the {measure}: {with_unit(weight, unit)}"
