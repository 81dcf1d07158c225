"""Edges between the values of fields, with what the records of each came to; the largest of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from topics.distinct import Numbering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from topics.distinct import Rows

SOURCE, TARGET, WEIGHT, RECORDS, NODE, GROUP = "source", "target", "weight", "records", "node", "group"
AT_ONCE = 1 << 19  # edges that wait to be added to each other
WIDE = 1 << 32  # more than there are values: a pair of them is one number
PAIR, ORDER = "pair", "order"
ENDS = (SOURCE, TARGET)
LINKS = pl.DataFrame(
    schema={
        **dict.fromkeys(ENDS, pl.Int64),
        **dict.fromkeys((f"{end} {GROUP}" for end in ENDS), pl.String),
        WEIGHT: pl.Float64,
        RECORDS: pl.Int64,
    }
)


@dataclass(frozen=True)
class Graph:
    """`edges` have SOURCE, TARGET, WEIGHT and RECORDS, the heaviest first; `nodes` NODE, GROUP and WEIGHT, likewise.

    `all_edges` and `all_weight` say how many there were, and what they came to, before they were pruned.
    """

    edges: pl.DataFrame
    nodes: pl.DataFrame
    all_edges: int
    all_weight: float

    def pruned(self, edges: int | None, least: float = 0) -> Graph:
        """Return the heaviest edges, those not below a weight, and the nodes they link."""
        kept = self.edges.filter(pl.col(WEIGHT) >= least)
        kept = kept if edges is None else kept.head(edges)
        ends = pl.concat([kept[SOURCE], kept[TARGET]]).unique()
        return Graph(kept, self.nodes.filter(pl.col(NODE).is_in(ends.to_list())), self.all_edges, self.all_weight)


class LinkTable:
    """Adds up the edges of records: each links the values of every two fields that follow each other in `fields`.

    `groups` say, for fields that have one, what their nodes belong to; `weight` is what counts. All are expressions
    over the columns of topics/frame.py, the fields and groups of texts. Edges are added up as pairs of numbers, and
    what the numbers stand for is written as text at the end. Memory goes by distinct edges and values.
    """

    def __init__(self, fields: Sequence[pl.Expr], groups: Mapping[int, pl.Expr], weight: pl.Expr) -> None:
        nothing = pl.lit(None, pl.String)
        self._ends = [_End(field, groups.get(place, nothing)) for place, field in enumerate(fields)]
        self._weight = weight
        self._parts: list[list[pl.DataFrame]] = [[] for _ in fields[1:]]

    @property
    def columns(self) -> set[str]:
        """The columns that frames need to have."""
        return {name for end in self._ends for name in end.made_of} | set(self._weight.meta.root_names())

    def add(self, frame: pl.DataFrame) -> None:
        """Take records; those with a blank value link nothing there."""
        if not frame.height:
            return
        weight = frame.select(self._weight.cast(pl.Float64).alias(WEIGHT)).to_series()
        numbered = [end.numbers(frame) for end in self._ends]
        for ends, parts in zip(itertools.pairwise(numbered), self._parts, strict=True):
            pairs = pl.DataFrame([pl.Series(PAIR, ends[0] * WIDE + ends[1]), weight])
            parts.append(pairs.group_by(PAIR).agg(pl.col(WEIGHT).sum(), pl.len().cast(pl.Int64).alias(RECORDS)))
            if sum(part.height for part in parts) > AT_ONCE:
                parts[:] = [pl.concat(parts).group_by(PAIR).agg(pl.col(WEIGHT, RECORDS).sum())]

    def graph(self) -> Graph:
        """Return all edges and nodes."""
        told = [end.told() for end in self._ends]
        words = pl.concat([each[NODE] for each in told]).drop_nulls().unique().sort()
        order = pl.DataFrame({NODE: words, ORDER: pl.int_range(len(words), eager=True)})
        known = [each.join(order, on=NODE, how="left", maintain_order="left") for each in told]
        found = pl.concat([LINKS, *(_linked(parts, *known[at : at + 2]) for at, parts in enumerate(self._parts))])
        edges = found.group_by(ENDS).agg(pl.col(WEIGHT, RECORDS).sum())
        edges = edges.sort([WEIGHT, *ENDS], descending=[True, False, False])
        ends = [found.select(pl.col(end).alias(NODE), f"{end} {GROUP}", WEIGHT) for end in ENDS]
        nodes = pl.concat([each.rename({each.columns[1]: GROUP}) for each in ends])
        nodes = nodes.group_by(NODE).agg(pl.col(GROUP).drop_nulls().min(), pl.col(WEIGHT).sum())
        nodes = nodes.sort([WEIGHT, NODE], descending=[True, False])
        shown = edges.with_columns(words.gather(edges[end]).alias(end) for end in ENDS)
        named = nodes.with_columns(words.gather(nodes[NODE]).alias(NODE))
        return Graph(shown, named, shown.height, float(shown[WEIGHT].sum()))


class _End:
    """The values of a field that records had, as what they are made of, and the number of each."""

    def __init__(self, field: pl.Expr, group: pl.Expr) -> None:
        self._field, self._group = field, group
        self.made_of = sorted({*field.meta.root_names(), *group.meta.root_names()})
        self._known = Numbering()

    def numbers(self, frame: pl.DataFrame) -> Rows:
        """Return which of the values known each record has."""
        return self._known.numbers(frame.select(self.made_of))

    def told(self) -> pl.DataFrame:
        """Return NODE and GROUP of each value, by its number."""
        if self._known.known is None:
            return pl.DataFrame(schema={NODE: pl.String, GROUP: pl.String})
        return self._known.known.select(self._field.alias(NODE), self._group.cast(pl.String).alias(GROUP))


def _linked(parts: Sequence[pl.DataFrame], source: pl.DataFrame, target: pl.DataFrame) -> pl.DataFrame:
    """Return edges with the order of their names, and what these belong to, for the numbers of values."""
    if not parts:
        return LINKS
    pairs = pl.concat(parts)
    made = [pairs.select(WEIGHT, RECORDS)]
    for name, known, number in ((SOURCE, source, pl.col(PAIR) // WIDE), (TARGET, target, pl.col(PAIR) % WIDE)):
        rows = known[pairs.select(number).to_series()]
        made.append(rows.select(pl.col(ORDER).alias(name), pl.col(GROUP).alias(f"{name} {GROUP}")))
    return pl.concat(made, how="horizontal").select(LINKS.columns).drop_nulls(ENDS)
