"""`argosy rarpwatch`: new stations, and addresses that have another MAC than before. As rarpwatch and arpwatch."""

from __future__ import annotations

import os
import re
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.inventory import beside, table
from clients.options import Option
from clients.reading import inquiry
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed
    from processors.inventories.stations import Change, Stations
    from processors.inventories.sums import Schema

USAGE = "argosy rarpwatch -r FILE... | -R DIR... [-f STATE] [-M changes|stations] [OPTIONS] [- FILTER]"
SUMMARY = """Tells which addresses are new, and which have another MAC address than before: changed, back and forth
(flip-flop), or back to one of long ago (reused), by ARP and by neighbour discovery of IPv6.
Exit status: 0 when something was told, 1 when nothing was, 2 after an error."""
OPTIONS = (
    *table.OPTIONS,
    Option(
        "-f",
        "STATE",
        "remember stations in this file, as arpwatch writes it (MAC, address, seconds): it is made, and\n"
        "what it knows is not new",
    ),
    Option(
        "-M",
        "MODE...",
        "changes: no new stations; stations: all that are known then, with when they were seen last;\n"
        "json, xml, TZ=ZONE",
    ),
)
CHANGES = (
    table.moment("time", "Time"),
    table.word("event", "Event"),
    table.address("address", "Address"),
    table.word("mac", "MAC"),
    table.word("was", "Was"),
    table.moment("until", "Until"),
    table.text("also", "Also"),
)
STATIONS = (table.address("address", "Address"), table.word("mac", "MAC"), table.moment("last", "Last"))
WIDTHS = {"time": 19, "event": 11, "address": 39, "mac": 17, "was": 17, "until": 19}  # of what is not known yet
NO_CLAIMS = "no ARP and no neighbour discovery among the records that were selected"
SECOND = 1_000_000_000
MAPPED = bytes(10) + b"\xff\xff"
_MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}", re.IGNORECASE)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when something was told, 1 when nothing was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("changes", "stations"))


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.inventories.stations import Stations, claims, columns, is_claim

    path = parsed.word("-f")
    stations = Stations(_read(path) if path is not None and Path(path).exists() else ())
    if "stations" not in modes and not beside.is_read_twice(parsed):
        return _follow(parsed, stations, modes)
    said = claims(table.sparse(parsed, columns(), is_claim()))
    told = _told(stations, said, modes)
    if path is not None:
        _write(path, stations)
    if "stations" in modes:
        return table.print_table(parsed, _known(stations), STATIONS, [f.name for f in STATIONS], "no stations")
    nothing = f"nothing changed: {said.height:,} claims of addresses are as they were" if said.height else NO_CLAIMS
    return table.print_table(parsed, _table(told), CHANGES, [field.name for field in CHANGES], nothing)


def _follow(parsed: Parsed, stations: Stations, modes: set[str]) -> int:
    """Tell what changes as records of a topic or a pipe come; return the exit status."""
    from processors.inventories.stations import claims, columns

    fields = [field.with_width(WIDTHS.get(field.name, field.width)) for field in CHANGES]
    path, count, heard = parsed.word("-f"), 0, 0
    for frame in table.selected(parsed, columns()):
        said = claims([frame])
        told, heard = _told(stations, said, modes), heard + said.height
        if not told:
            continue
        table.print_table(parsed, _table(told), fields, [field.name for field in fields], NO_CLAIMS)
        parsed.given["-L"] = ["-1"]  # the heading stands already
        count += len(told)
        if path is not None:
            _write(path, stations)
    if path is not None:
        _write(path, stations)
    if not count:
        print("nothing changed" if heard else NO_CLAIMS, file=sys.stderr)
    return 0 if count else inquiry.NO_MATCH


def _told(stations: Stations, said: pl.DataFrame, modes: set[str]) -> list[Change]:
    from processors.inventories.stations import NEW

    return [change for change in stations.take(said) if not ("changes" in modes and change.event == NEW)]


def _table(told: list[Change]) -> pl.DataFrame:
    import polars as pl

    from topics.address_text import ip_text

    kinds: Schema = {
        "time": pl.Datetime("ns", "UTC"),
        "event": pl.String,
        "address": pl.Binary,
        "mac": pl.String,
        "was": pl.String,
        "until": pl.Datetime("ns", "UTC"),
        "also": pl.String,
    }
    also = [", ".join(map(ip_text, change.also)) or None for change in told]
    columns = {
        "time": [change.time for change in told],
        "event": [change.event for change in told],
        "address": [change.address for change in told],
        "mac": [change.mac.hex(":") or None for change in told],
        "was": [change.was.hex(":") or None for change in told],
        "until": [change.until or None for change in told],
        "also": also,
    }
    return pl.DataFrame(columns, schema=kinds)


def _known(stations: Stations) -> pl.DataFrame:
    import polars as pl

    rows = [(address, mac.hex(":"), time) for address, mac, time in stations.known()]
    kinds: Schema = {"address": pl.Binary, "mac": pl.String, "last": pl.Datetime("ns", "UTC")}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def _read(path: str) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield what a file of arpwatch, or of ours, knows: MAC, address, seconds; a name may follow."""
    with Path(path).open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            words = line.split("\t")
            if not line.strip():
                continue
            if len(words) < 3 or not _MAC.fullmatch(words[0]) or not words[2].strip().isdecimal():
                raise InputError(f"{path}: line {number} is no station: MAC, address and seconds, tabs between")
            yield _address(path, number, words[1]), _mac(words[0]), int(words[2]) * SECOND


def _mac(text: str) -> bytes:
    return bytes(int(octet, 16) for octet in text.split(":"))


def _address(path: str, number: int, text: str) -> bytes:
    try:
        address = ip_address(text)
    except ValueError:
        raise InputError(f"{path}: line {number}: '{text[:60]}' is no address") from None
    return MAPPED + address.packed if address.version == 4 else address.packed


def _write(path: str, stations: Stations) -> None:
    """Replace the file by what is known now; a reader sees the one or the other."""
    from topics.address_text import ip_text

    aside = Path(f"{path}.{os.getpid()}.new")
    lines = (f"{mac.hex(':')}\t{ip_text(address)}\t{time // SECOND}\n" for address, mac, time in stations.known())
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
