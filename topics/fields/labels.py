"""What labels say: countries, networks, places, names, scores; and which end of a flow is ours by their locality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.expression import Value, col, greatest, when
from topics.fields.columns import is_link, labelled, side_column, where
from topics.fields.field import Field, Format, both
from topics.fields.formats import FRACTION, TEXT, WORD
from topics.fields.hosts import host_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from topics.fields.style import Style


def _whole(value: pl.Expr, _: Style, __: int) -> pl.Expr:
    return value.cast(pl.Int64, strict=False).cast(pl.String)


WHOLE = Format(_whole, holds="number")


def _numbered(key: str) -> Callable[[], Value]:
    return lambda: col("labels").label(key).number()


def _of(key: str) -> Callable[[str], Value]:
    """Return the label of a side."""
    return lambda side: labelled(f"{side[0]}{key}")()


def _locality(side: str) -> Value:
    return col("labels").label(f"{side[0]}loc").number()


def _local_first(of_local: bool) -> Value:  # noqa: FBT001 - which of two fields
    """Return the address of the more local end, or of the other; blank where no label tells."""
    src, dst = (side_column(side, "address").ip_text(~is_link()) for side in ("src", "dst"))
    here, there = _locality("src").or_else(0.0), _locality("dst").or_else(0.0)
    source_is_local = here >= there
    told = greatest(here, there) > 0
    return where(told, when(source_is_local).then(src if of_local else dst).otherwise(dst if of_local else src))


def _name_text(side: str) -> Format:
    from topics.expression.polars import polars

    def text(name: pl.Expr, _: Style, __: int) -> pl.Expr:
        return pl.coalesce(name, host_names(polars(side_column(side, "address").ip_text(~is_link()))))

    return Format(text, free=True)


def _of_three(name: str, title: str, width: int, form: Format, doc: str, *, numbers: bool = False) -> Iterator[Field]:
    """Yield a field of the source, the destination and the router of ICMP errors."""
    for letter, whose in (("s", "source"), ("d", "destination"), ("i", "ICMP error's router")):
        key = f"{letter}{name}"
        value = _numbered(key) if numbers else labelled(key)
        yield Field(
            key,
            f"{letter}{title}",
            width - (name == "as" and letter == "i"),
            value,
            form,
            f"{doc} of the {whose}, by its label",
        )


FIELDS = (
    *_of_three("co", "Co", 3, TEXT, "Country"),
    *_of_three("as", "AS", 6, WHOLE, "Origin AS", numbers=True),
    *_of_three("lat", "Lat", 9, FRACTION, "Latitude", numbers=True),
    *_of_three("lon", "Lon", 9, FRACTION, "Longitude", numbers=True),
    *both("{s}loc", "{s}Loc", 3, _locality, WHOLE, "Locality of the {source}, 0 to 255, by its label"),
    Field(
        "loc",
        "Loc",
        3,
        lambda: greatest(_locality("src"), _locality("dst")),
        WHOLE,
        "Locality of the more local end, by its label",
    ),
    *both("{s}grp", "{s}Grp", 8, lambda side: labelled(f"{side[0]}grp")(), TEXT, "Group of the {source}, by its label"),
    *both("{s}process", "{S}Process", 12, _of("process"), TEXT, "Process of the {source}, by what events tell"),
    *both("{s}pid", "{S}Pid", 7, lambda side: _numbered(f"{side[0]}pid")(), WHOLE, "Its number"),
    *both("{s}owner", "{S}Owner", 10, _of("owner"), TEXT, "User of that process"),
    *both("{s}container", "{S}Container", 12, _of("container"), TEXT, "Container of that process"),
    *both("{s}pod", "{S}Pod", 36, _of("pod"), TEXT, "Kubernetes pod of that process"),
    *both("{s}sure", "{S}Sure", 9, _of("sure"), TEXT, "How that is known: exact, listening; or unknown"),
    *both("{s}station", "{S}Station", 17, _of("station"), TEXT, "MAC of the {source}, by what devices tell over SNMP"),
    *both("{s}switch", "{S}Switch", 12, _of("switch"), TEXT, "Switch that the {source} is on"),
    *both("{s}swport", "{S}SwPort", 10, _of("swport"), TEXT, "Port of that switch"),
    Field("alert", "Alert", 12, labelled("alert"), TEXT, "Signatures of alerts about the flow"),
    Field("score", "Score", 5, _numbered("score"), WHOLE, "Score, by its label"),
    *both(
        "{s}name",
        "{s}Name",
        16,
        lambda side: labelled(f"{side[0]}name")(),
        (_name_text("src"), _name_text("dst")),
        "Host name of the {source}: by its label, else looked up",
    ),
    Field("laddr", "LocalAddr", 18, lambda: _local_first(of_local=True), WORD, "Address of the more local end"),
    Field("raddr", "RemoteAddr", 18, lambda: _local_first(of_local=False), WORD, "Address of the less local end"),
)
