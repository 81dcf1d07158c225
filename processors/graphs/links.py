"""Edges between the values of fields, with what the records of each came to; the largest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE, TARGET, WEIGHT, RECORDS, NODE, GROUP = "source", "target", "weight", "records", "node", "group"
SOURCE_GROUP, TARGET_GROUP = "source_group", "target_group"
AT_ONCE = 1 << 19
SUM, COUNT = ":weight", ":records"  # no columns of records are called so
LOOKED_AT = 1 << 14  # records that tell whether there are many alike


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
    over the columns of topics/frame.py, the fields and groups of texts. Memory goes by distinct edges.
    """

    def __init__(self, fields: Sequence[pl.Expr], groups: Mapping[int, pl.Expr], weight: pl.Expr) -> None:
        self._fields, self._groups, self._weight = list(fields), dict(groups), weight
        self._parts: list[pl.DataFrame] = []

    @property
    def columns(self) -> set[str]:
        """The columns that frames need to have."""
        expressions = [*self._fields, *self._groups.values(), self._weight]
        return {name for expression in expressions for name in expression.meta.root_names()}

    def add(self, frame: pl.DataFrame) -> None:
        """Take records; those with a blank value link nothing there."""
        made = self._together(frame).select(
            *(field.alias(f"{NODE}{place}") for place, field in enumerate(self._fields)),
            *(group.cast(pl.String).alias(f"{GROUP}{place}") for place, group in self._groups.items()),
            pl.col(SUM).alias(WEIGHT),
            pl.col(COUNT).alias(RECORDS),
        )
        for place in range(len(self._fields) - 1):
            groups = [f"{GROUP}{end}" for end in (place, place + 1)]
            edges = made.select(
                pl.col(f"{NODE}{place}").alias(SOURCE),
                pl.col(f"{NODE}{place + 1}").alias(TARGET),
                WEIGHT,
                RECORDS,
                *(
                    (pl.col(name) if name in made.columns else pl.lit(None, pl.String)).alias(end)
                    for name, end in zip(groups, (SOURCE_GROUP, TARGET_GROUP), strict=True)
                ),
            )
            self._parts.append(_added(edges.drop_nulls([SOURCE, TARGET])))
        if sum(part.height for part in self._parts) > AT_ONCE:
            self._parts = [_added(pl.concat(self._parts))]

    def _together(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add up records that are alike in all that nodes are made of, where many are: there is less to be named."""
        weighed = frame.with_columns(self._weight.cast(pl.Float64).alias(SUM), pl.lit(1, pl.Int64).alias(COUNT))
        made_of = sorted({n for each in (*self._fields, *self._groups.values()) for n in each.meta.root_names()})
        varying = [name for name in made_of if not _says_one(frame[name])]
        if not varying or frame.select(varying).head(LOOKED_AT).n_unique() * 2 > min(frame.height, LOOKED_AT):
            return weighed
        same = [pl.col(name).first() for name in made_of if name not in varying]
        return weighed.group_by(varying).agg(pl.col(SUM, COUNT).sum(), *same)

    def graph(self) -> Graph:
        """Return all edges and nodes."""
        if not self._parts:
            empty = pl.DataFrame(schema={SOURCE: pl.String, TARGET: pl.String, WEIGHT: pl.Float64, RECORDS: pl.Int64})
            nodes = pl.DataFrame(schema={NODE: pl.String, GROUP: pl.String, WEIGHT: pl.Float64})
            return Graph(empty, nodes, 0, 0.0)
        edges = _added(pl.concat(self._parts))
        edges = edges.sort([WEIGHT, SOURCE, TARGET], descending=[True, False, False])
        ends = [
            edges.select(pl.col(end).alias(NODE), pl.col(group).alias(GROUP), WEIGHT)
            for end, group in ((SOURCE, SOURCE_GROUP), (TARGET, TARGET_GROUP))
        ]
        nodes = pl.concat(ends).group_by(NODE).agg(pl.col(GROUP).drop_nulls().min(), pl.col(WEIGHT).sum())
        nodes = nodes.sort([WEIGHT, NODE], descending=[True, False])
        shown = edges.select(SOURCE, TARGET, WEIGHT, RECORDS)
        return Graph(shown, nodes, shown.height, float(shown[WEIGHT].sum()))


def _says_one(column: pl.Series) -> bool:
    """Tell whether all values are the same; those of a column with holes are not."""
    return not column.null_count() and bool((column == column.head(1)).all())


def _added(edges: pl.DataFrame) -> pl.DataFrame:
    return edges.group_by(SOURCE, TARGET).agg(
        pl.col(WEIGHT, RECORDS).sum(), pl.col(SOURCE_GROUP, TARGET_GROUP).drop_nulls().min()
    )
