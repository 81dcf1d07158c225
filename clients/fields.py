"""`argosy fields`: every field that can be printed, sorted and filtered by, from their definitions and the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option, parse_or_help

if TYPE_CHECKING:
    from topics.fields import Field

USAGE = "argosy fields [NAME...]"
SUMMARY = (
    "Lists all fields, or tells all about some: heading, width, what it holds, and what of a record it is made of."
)
OPTIONS = (Option("--markdown", "", "as a table for documentation"), Option("-h --help", "", "this text"))
PRINTER_COLUMNS = {"rank": "number in the output", "origin": "start of the first record"}


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    from topics.fields import field, fields

    if parsed.rest:
        for name in parsed.rest:
            _tell(field(name))
    elif parsed.count("--markdown"):
        print("| field | heading | width | holds | what it is |\n|---|---|---|---|---|")
        for known in fields().values():
            print(f"| `{known.name}` | {known.title} | {known.width} | {_holds(known)} | {known.doc} |")
    else:
        for known in fields().values():
            print(f"{known.name:<14} {known.width:>3} {_holds(known):<8} {known.doc}")
    return 0


def _holds(known: Field) -> str:
    return "seconds" if known.format.scale != 1 else known.format.holds


def _tell(known: Field) -> None:
    from topics.expression.value import column_names
    from topics.schema import flow_fields

    documented = {field.name: field for field in flow_fields()}
    print(f"{known.name}: {known.doc}")
    print(f"  heading {known.title}, {known.width} columns, holds {_holds(known)}")
    for name in sorted(column_names(known.expression())):
        if name in documented:
            unit = f" ({documented[name].unit})" if documented[name].unit else ""
            print(f"  from {name}: {documented[name].doc}{unit}")
        elif name in PRINTER_COLUMNS:
            print(f"  from the {PRINTER_COLUMNS[name]}")
        else:
            print(f"  from the observation point: {name}")
