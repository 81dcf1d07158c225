"""`argosy rapolicy`: records held against an access list of routers. As Argus's rapolicy, and which lines were met."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clients.command import run_client
from clients.inventory import table
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import InputError, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from clients.options import Parsed
    from processors.access_lists import Entry

USAGE = "argosy rapolicy -f FILE [-M permit|deny|label] -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """Says how often each line of a Cisco-like access list was met, and which never were; or prints and writes
the records that it permits, those that it denies, or all, with labels of the lines they met.
Exit status: 0 when some record was judged, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    Option("-f", "FILE", "the access list; or a rapolicy.conf as in Argus, which names it"),
    Option(
        "-M",
        "MODE...",
        "permit, deny: the records that are; log: those that meet a line that logs; label: all of them;\n"
        "unused: only lines that were never met;\n"
        "dump: what the lines are understood as; json, xml, TZ=ZONE",
    ),
)
MODES = ("permit", "deny", "log", "label", "unused", "dump")
FIELDS = (
    table.count("line", "Line"),
    table.word("list", "List"),
    table.word("action", "Action"),
    table.count("records", "Records"),
    table.count("packets", "Pkts"),
    table.count("bytes", "Bytes"),
    table.moment("first", "First"),
    table.moment("last", "Last"),
    table.text("rule", "Rule"),
    table.text("filter", "Filter"),
)
SHOWN = ("stime", "flgs", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state", "label:30")
_SETTING = re.compile(r'\s*RA_POLICY_(?P<name>[A-Z_]+)\s*=\s*"?(?P<value>[^"]*)"?\s*')


class _Settings(NamedTuple):
    """What a rapolicy.conf says; `mode` empty for the table of lines."""

    path: str
    mode: str = ""
    others: bool = True
    logged: bool = False
    implicit: bool = True
    labels: bool = True


def run(arguments: list[str]) -> int:
    """Run the command; 0 when some record was judged, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.access_lists import read_access_list

    asked = modes & {"permit", "deny", "log", "label"}
    if len(asked) > 1:
        raise UsageError(f"option -M takes one of {' and '.join(sorted(asked))}")
    settings = _settings(parsed, next(iter(asked), ""))
    entries = read_access_list(settings.path)
    if "dump" in modes or settings.mode == "dump":
        return _dump(entries)
    if settings.mode or parsed.words("-w"):
        return _put(parsed, entries, settings)
    return _table(parsed, entries, unused="unused" in modes)


def _settings(parsed: Parsed, mode: str) -> _Settings:
    path = parsed.word("-f")
    if path is None:
        raise UsageError("say which access list: -f FILE")
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    said = {found["name"]: found["value"] for line in lines if (found := _SETTING.fullmatch(line.partition("#")[0]))}
    if not said:
        return _Settings(path, mode, others=mode not in {"deny", "log"})
    if "ACL_FILE" not in said:
        raise SettingsError(f"{path}: names no access list: RA_POLICY_ACL_FILE=")
    yes = {name for name, value in said.items() if value.lower() == "yes"}
    shown = "deny" if said.get("SHOW_WHICH", "").lower() == "deny" else "permit"
    own = "dump" if "DUMP_POLICY" in yes else "label" if "JUST_LABEL" in yes else shown
    return _Settings(
        said["ACL_FILE"],
        mode or own,
        others=said.get("PERMIT_OTHERS", "yes").lower() == "yes",
        logged="LABEL_ALL" not in yes,
        implicit="LABEL_IMPLICIT" in yes,
        labels=bool(yes & {"LABEL_ALL", "LABEL_LOG"}),
    )


def _dump(entries: Sequence[Entry]) -> int:
    from processors.inventories.judged import action

    for entry in entries:
        print(f"{entry.line:>4} {action(entry):<6} {entry.filter}{'  (logged)' if entry.logs else ''}")
    return 0


def _table(parsed: Parsed, entries: Sequence[Entry], *, unused: bool) -> int:
    import polars as pl

    from processors.inventories.judged import columns, hits

    found = table.gathered(parsed, columns(entries), lambda pieces: hits(pieces, entries))
    judged = bool(found["records"].sum())
    if unused:
        found = found.filter((pl.col("records") == 0) & (pl.col("line") > 0))
    fields = [field.name for field in FIELDS if field.name != "filter"]
    nothing = "every line was met"
    status = table.print_table(parsed, found, FIELDS, fields, nothing)
    return status if judged else inquiry.NO_MATCH


def _put(parsed: Parsed, entries: Sequence[Entry], settings: _Settings) -> int:
    """Print or write records; 0 when some were."""
    from processors.inventories.judged import place

    source, outputs = Source(parsed), Outputs(parsed)
    words = parsed.words("-s")
    parsed.given["-s"] = words if words and words[0][0] not in "+-" else [*SHOWN, *words]
    columns = None if outputs.any else inquiry.shown(parsed) | {"labels", *place(entries).meta.root_names()}
    frames = inquiry.window(parsed).input.cut(source.frames(selection(parsed), columns))
    with outputs:
        selected = inquiry.put(parsed, outputs, _judged(frames, entries, settings))
    return 0 if selected else inquiry.NO_MATCH


def _judged(frames: Iterator[pl.DataFrame], entries: Sequence[Entry], settings: _Settings) -> Iterator[pl.DataFrame]:
    from processors.inventories.judged import label, labelled, place

    logged = settings.logged and settings.labels
    written = label(entries if settings.labels else [], logged=logged, implicit=settings.implicit)
    for frame in frames:
        placed = frame.with_columns(place(entries))
        yield labelled(placed.filter(_wanted(entries, settings)), written)


def _wanted(entries: Sequence[Entry], settings: _Settings) -> pl.Expr:
    import polars as pl

    from processors.inventories.judged import logged, permitted

    passes = permitted(entries)
    choices = {"permit": passes, "deny": ~passes, "log": logged(entries)}
    wanted = choices.get(settings.mode, pl.lit(value=True))
    return wanted.fill_null(settings.others) if settings.others else wanted & passes.is_not_null()
