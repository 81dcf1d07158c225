"""Options that all clients which read records share, and what they ask for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from clients.listing.window import Window
from clients.options import Option
from topics.errors import UsageError
from topics.nearest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from clients.listing.printer import Printer, Totals
    from clients.options import Parsed
    from clients.writing.outputs import Outputs
    from topics.fields import Field, Style

INPUT = (
    Option(
        "-r",
        "FILE...",
        "read records from files: .parquet, .arrow, .avro, or by content, those of Argus\n"
        "too; - is a pipe;\n"
        "from databases: FILE.duckdb, FILE.sqlite, postgresql://..., mysql://..., or .../TABLE;\n"
        "from object stores: s3://BUCKET/KEY",
    ),
    Option("-R", "DIR...", "read all such files under directories, or s3://BUCKET/PREFIX, in the order of their names"),
    Option("-S", "kafka://HOST/TOPIC", "read what comes on a topic, until Ctrl-C"),
    Option("-T", "SECONDS", "read topics for so long"),
    Option("--until-idle", "SECONDS", "read topics until nothing came for so long"),
    Option("--from-beginning", "", "read topics from their oldest message"),
    Option(
        "-t",
        "RANGE",
        "only records of a time: 14:00-15:30, -10m, 2026/03/10.09+5m, ****/03/10;\n"
        "after n those that span it, after c those within it, after x all others",
    ),
    Option("-e", "[s:|d:]PATTERN", "only records whose payload matches a regular expression"),
    Option("-N", "[io]RANGE", "only records n, a-b or a+n, of those selected (i) or printed (o)"),
    Option("-b", "", "print what the filter is understood as and stop"),
    Option("-X", "", "read no configuration file (there is none)"),
    Option("-F", "FILE", "accepted, as by Argus's clients: there is no such configuration file"),
    Option("-h --help", "", "this text"),
)
PRINTED = (
    Option(
        "-s",
        "FIELD...",
        "print these fields; +FIELD appends, +3FIELD inserts after the third,\n"
        "-FIELD removes; FIELD:20 sets the width, FIELD:20:%.3f the format",
    ),
    Option("-n", "", "numbers for ports; -nn for protocols too; -nnn names of hosts"),
    Option("-u", "", "times as seconds since 1970"),
    Option("-c", "CHAR", "print values with this character between them; \\t is a tab"),
    Option("-p", "DIGITS", "digits after the decimal point, 0 to 9 (6)"),
    Option("-H", "", "counters and rates in thousands, millions, ...: 4.692K"),
    Option("-L", "LINES", "heading every so many lines; 0 once, -1 never (0)"),
    Option("-q", "", "print no records"),
    Option("-z", "", "state of TCP as letters of what happened: sSEfFCR"),
    Option("-Z", "s|d|b", "state of TCP as flags seen from source, destination or both"),
    Option("-A", "", "totals at the end"),
)
WRITTEN = (
    Option(
        "-w",
        "FILE...",
        "write records instead of printing them: .arrow, .parquet, .avro, .argus, .csv, .jsonl,\n"
        "- for a pipe; may be given several times, each with a filter after it",
    ),
)
OPTIONS = (*INPUT, *PRINTED, *WRITTEN)
REJECTED = Option("-E", "FILE", "write the records that are not selected here")
MAX_DIGITS = 9
OUTPUT_MODES = ("man", "noman", "xml", "json", "null", "empty", "omit", "disa")
PAYLOAD_MODES = ("ascii", "obfuscate", "hex", "encode32", "encode64")
TCP_STATES = {"s": "source", "d": "destination", "b": "both"}
NAMES_CYCLE = 4  # Argus looks names up at the third -n and begins anew at the fourth
NO_MATCH, FAILED = 1, 2
JUST_COUNTED = {"protocol"}  # columns that tell how many records there are
AT_ONCE = 131_072  # records turned into a batch at a time


def style(parsed: Parsed) -> Style:
    """Return how values are to be written; raises UsageError."""
    from topics.fields import Style

    numbers = parsed.count("-n") % NAMES_CYCLE
    letter = parsed.word("-Z")
    if letter is not None and letter not in TCP_STATES:
        raise UsageError(f"option -Z takes s, d or b, not '{letter}'")
    precision = parsed.number("-p", 6, minimum=0)
    if precision > MAX_DIGITS:
        raise UsageError(f"option -p takes at most {MAX_DIGITS} digits, not {precision}")
    return Style(
        precision=precision,
        port_names=numbers in {0, 3},
        protocol_names=numbers != 2,
        epoch=bool(parsed.count("-u")),
        tcp_state=TCP_STATES[letter] if letter else "letters" if parsed.count("-z") else "word",
        abbreviate=_abbreviation(parsed, precision),
        payload=_payload(parsed),
        host_names=numbers == NAMES_CYCLE - 1,
    )


def _abbreviation(parsed: Parsed, precision: int) -> int | None:
    """Return the digits of abbreviated numbers, three unless `-p` asks for others; None to write them out."""
    if not parsed.count("-H"):
        return None
    return precision if parsed.word("-p") else 3


def _payload(parsed: Parsed) -> str:
    word = next((word[len("printer=") :] for word in reversed(parsed.words("-M")) if word.startswith("printer=")), "")
    if word and word not in PAYLOAD_MODES:
        raise UsageError(
            f"unknown printer '{word}'{suggestion(word, PAYLOAD_MODES) or ': ' + ', '.join(PAYLOAD_MODES)}"
        )
    return word or PAYLOAD_MODES[0]


def printer(
    parsed: Parsed, default: Iterable[str] = (), more: Mapping[str, Field] | None = None, blank: str = "null"
) -> Printer:
    """Return what prints the records, with other columns and `blank` by default, `more` fields; raises UsageError."""
    from clients.listing.alike import Alike
    from clients.listing.columns import columns
    from clients.listing.lines import Listing
    from clients.listing.printer import NEVER, Printer

    chosen = columns(parsed.words("-s"), tuple(default), more or {})
    written, words = style(parsed), parsed.words("-M")
    first, every = window(parsed).output.first, max(parsed.number("-L", 0), NEVER)
    if "json" in words:
        from clients.listing.structured import JsonLines

        blank = next((word for word in words if word in {"null", "empty", "omit"}), blank)
        return Printer(JsonLines(chosen, written, blank), every=NEVER, first=first)
    if "xml" in words:
        from clients.listing.structured import XmlDocument

        return Printer(XmlDocument(chosen, written), first=first)
    return Printer(Alike(Listing(chosen, written, delimiter(parsed.word("-c")))), every=every, first=first)


def shown(parsed: Parsed) -> set[str]:
    """Return the columns that printing the records takes."""
    return JUST_COUNTED if parsed.count("-q") else printer(parsed).columns


def print_all(parsed: Parsed, frames: Iterable[pl.DataFrame], default: Iterable[str] = ()) -> int:
    """Print records and return their number; `-q` only counts them."""
    shown, count = printer(parsed, default), 0
    for frame in frames:
        count += frame.height
        if not parsed.count("-q"):
            shown.print(frame)
    if not parsed.count("-q"):
        shown.close()
    return count


def put(parsed: Parsed, outputs: Outputs, frames: Iterable[pl.DataFrame]) -> int:
    """Write records where the command line says, or print them; return their number."""
    cut = window(parsed).output.cut(iter(frames))
    if not outputs.any:
        return print_all(parsed, cut)
    count = 0
    for frame in cut:
        count += frame.height
        for piece in frame.iter_slices(AT_ONCE):
            outputs.write_frame(piece)
    return count


def delimiter(text: str | None) -> str:
    """Return the character of `-c`, empty when it was not given."""
    if text is None:
        return ""
    if text in {"\\t", "\t"}:
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise UsageError(f"option -c takes one character, not '{text}'")
    return text


def modes(parsed: Parsed, known: Iterable[str]) -> set[str]:
    """Return the words of `-M`; `TZ=ZONE` is acted upon. Raises UsageError for an unknown one."""
    given, allowed = set(), (*known, *OUTPUT_MODES)
    for word in parsed.words("-M"):
        if word.startswith("TZ="):
            os.environ["TZ"] = word[3:].strip("'\"")
            time.tzset()
        elif word in allowed:
            given.add(word)
        elif word.partition("=")[0] not in {"label", "printer", *known}:
            raise UsageError(f"unknown mode '{word}'{suggestion(word, allowed)}")
    return given


def tree(parsed: Parsed) -> str:
    """Return what the filter was understood as, for `-b`; raises FilterError."""
    from topics import filter as filters

    return filters.shown(parsed.expression)


def totals(parsed: Parsed) -> Totals | None:
    """Return what counts for `-A`, None when it was not given."""
    if not parsed.count("-A"):
        return None
    from clients.listing.printer import Totals

    return Totals()


def window(parsed: Parsed) -> Window:
    """Return what `-N` asks for; raises UsageError."""
    return Window.parse(parsed.word("-N"))
