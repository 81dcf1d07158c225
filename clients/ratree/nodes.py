"""What nodes are called, and what they belong to."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import polars as pl

from topics.errors import UsageError
from topics.fields import field, fields

if TYPE_CHECKING:
    from topics.fields import Style

SIDES = {"s": "src", "d": "dst"}
LOCAL, REMOTE = "local", "remote"
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10")
LOCALITIES = 3  # from here on an address is of a local network (RALABEL_LOCALITY)


def text(name: str, style: Style) -> pl.Expr:
    """Return the values of a field as text, null where they are blank; raises UsageError for an unknown field."""
    value = field(name).text(style).str.strip_chars()
    return pl.when(value != "").then(value)


def by(name: str, node: str, style: Style) -> pl.Expr | None:
    """Return what colours the nodes of a field: `name` of its own side, None where it has no side or no such field.

    Raises UsageError for a name that neither side has.
    """
    if f"s{name}" not in fields() or f"d{name}" not in fields():
        raise UsageError(f"nodes cannot be coloured by '{name}'; take loc, co, as, grp or process")
    side = SIDES.get(node[0]) if f"{'d' if node[0] == 's' else 's'}{node[1:]}" in fields() else None
    if side is None or node[1:] not in {"addr", "mac", "net", "name"}:
        return None
    own = field(f"{node[0]}{name}").text(style)
    return _locality(side, own) if name == "loc" else own


def _locality(side: str, labelled: pl.Expr) -> pl.Expr:
    """Return local or remote: by the label, else by whether the address is private; null for what has no IP address."""
    from topics.expression import any_of, col
    from topics.expression.polars import polars
    from topics.fields.columns import is_link

    address = col(f"{side}_address")
    private = polars(any_of(address.ip_within(ip_network(network)) for network in PRIVATE))
    known = labelled.cast(pl.Int64, strict=False)
    is_local = pl.when(known.is_not_null()).then(known >= LOCALITIES).otherwise(private)
    told = pl.when(is_local).then(pl.lit(LOCAL)).otherwise(pl.lit(REMOTE))
    return pl.when(~polars(is_link())).then(told)
