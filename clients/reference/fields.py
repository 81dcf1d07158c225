"""Every field that can be printed, sorted and filtered by, with what of a record it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.reference.markdown import code, plain, table

if TYPE_CHECKING:
    from topics.fields import Field

INTRODUCTION = """\
# Fields

What `-s` of every command prints, `-m` groups and sorts by, and a [filter](filters.md) may name (`sload > 1e6`).
Names and widths are Argus's. `argosy fields` lists them in the terminal, `argosy fields sload` tells what one is made
of. A width can be said anew, `-s saddr:40`; the last column names the columns of a record ([topics and
schemas](topics.md#flowrecord)).
"""


def page() -> str:
    """Return the page of all fields."""
    from topics.fields import fields

    rows = (
        [code(known.name), plain(known.title), str(known.width), known.format.holds, plain(known.doc), _made_of(known)]
        for known in fields().values()
    )
    return f"{INTRODUCTION}\n{table(['field', 'heading', 'width', 'holds', 'what it is', 'from'], rows)}\n"


def _made_of(known: Field) -> str:
    """Return the columns of the record, so far as it has them."""
    from topics.expression.value import column_names
    from topics.schema import flow_fields

    columns = {field.name for field in flow_fields()}
    return " ".join(code(name) for name in sorted(column_names(known.expression())) if name in columns)
