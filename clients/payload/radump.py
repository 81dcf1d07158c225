"""`argosy radump`: what the payload of flows says, in columns. As Argus's radump, for more protocols."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.payload_records import payload_frames
from clients.reading.selection import selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.listing.printer import Printer
    from clients.options import Parsed
    from topics.fields import Field

USAGE = "argosy radump -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [OPTIONS] [- FILTER]"
SUMMARY = """\
Prints what the payload of flows says, which `argosy probe -U BYTES` keeps: DNS, DHCP, ARP, HTTP, TLS, NTP, SNMP, SMB,
BGP, SIP. Payloads of the control plane (FILE.control.avro, captures, argosy.control.v1) are listed a line each.
suser and duser are what was said, app is the protocol, and facts are fields: -s tls.sni tls.ja4 http.host dns.name ...
What is malformed is said in brackets.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    *inquiry.PRINTED,
    Option(
        "-M",
        "MODE...",
        "facts: list the facts that can be printed, and stop; json: an object a record, without -s of all it says;\n"
        "printer=obfuscate: without passwords, cookies, communities; TZ=ZONE, xml, label=PATTERN",
    ),
)
MODES = ("facts",)
DEFAULT = ("stime", "proto", "saddr", "sport", "dir", "daddr", "dport", "app", "suser", "duser")
SAID_WIDTH = 56


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.payload.facts import FACTS

    if "facts" in modes:
        for name, fact in FACTS.items():
            print(f"{name:<20} {fact.doc}")
        return 0
    from processors.payload.columns import NEEDED, Decoder

    printer = _printer(parsed, "json" in modes)
    decoder = Decoder(sorted(printer.columns & FACTS.keys()), blot=inquiry.style(parsed).payload == "obfuscate")
    window, chosen = inquiry.window(parsed), selection(parsed)
    columns = {name for name in printer.columns if name not in _made()} | NEEDED
    if parsed.count("-q"):
        columns = inquiry.JUST_COUNTED
    selected, silent = 0, not parsed.count("-q")
    frames: Iterator[pl.DataFrame] = window.input.cut(payload_frames(parsed, chosen, columns))
    totals = inquiry.totals(parsed)
    for frame in window.output.cut(frames):
        selected += frame.height
        if not parsed.count("-q"):
            decoded = decoder.decoded(frame)
            silent = silent and _is_silent(decoded)
            printer.print(decoded)
    if not parsed.count("-q"):
        printer.close()
    if totals is not None:
        print(totals.text())
    if selected and silent:
        print(
            "argosy radump: no record holds payload; `argosy probe -U BYTES` keeps some of each side", file=sys.stderr
        )
    return 0 if selected else inquiry.NO_MATCH


def _is_silent(frame: pl.DataFrame) -> bool:
    """Tell whether nothing is said in any record of a frame."""
    from processors.payload.columns import SAID, SIDES

    payload = (frame[f"{side}_payload"].bin.size().fill_null(0).max() for side in SIDES)
    return not any(payload) and all((frame[name].fill_null("") == "").all() for name in SAID.values())


def _made() -> set[str]:
    """Return the columns that are not in records but come from their payload."""
    from processors.payload.columns import APPLICATION, SAID
    from processors.payload.facts import FACTS

    return {APPLICATION, *SAID.values(), *FACTS}


def _fields() -> dict[str, Field]:
    """Return the fields that radump adds to those of records, or shows otherwise."""
    from processors.payload.columns import APPLICATION, SAID
    from processors.payload.facts import FACTS
    from topics.expression import col
    from topics.fields import Field
    from topics.fields.formats import LEFT_TEXT

    def shown(name: str, title: str, width: int, column: str, doc: str) -> Field:
        return Field(name, title, width, lambda: col(column), LEFT_TEXT, doc)

    made = [
        shown("app", "App", 7, APPLICATION, "protocol of the payload"),
        shown("suser", "srcUdata", SAID_WIDTH, SAID["src"], "what the source says"),
        shown("duser", "dstUdata", SAID_WIDTH, SAID["dst"], "what the destination says"),
        *(shown(name, name.partition(".")[2].capitalize(), fact.width, name, fact.doc) for name, fact in FACTS.items()),
    ]
    return {field.name: field for field in made}


def _printer(parsed: Parsed, as_json: bool) -> Printer:  # noqa: FBT001 - one of two ways
    from processors.payload.facts import FACTS

    everything = as_json and not parsed.words("-s")
    return inquiry.printer(parsed, (*DEFAULT, *FACTS) if everything else DEFAULT, _fields(), "omit")
