"""`argosy radecode`: what tshark makes of the payload of flows, under each. As Argus's radecode."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.errors import InputError, LibraryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from clients.listing.lines import Listing
    from clients.options import Parsed

USAGE = "argosy radecode -r FILE... | -R DIR... | -S kafka://HOST/TOPIC [-V] [OPTIONS] [- FILTER]"
SUMMARY = """\
Prints flows of TCP and UDP, and under each what tshark says of the payload of both sides, which goes through it as
packets. Payload that was not kept to its end is said to be so. tshark has to be installed.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
LISTED = ("-s", "-n", "-u", "-p", "-H", "-z", "-Z")  # of the options for printing: the others make no sense here
OPTIONS = (
    *inquiry.INPUT,
    *(option for option in inquiry.PRINTED if option.names in LISTED),
    Option("-V", "", "all that tshark knows of each, instead of a line"),
    Option("-O", "PROTOCOLS", "the same, but for these alone: tls,dns"),
    Option("--decode-as", "RULE...", "take a port for another protocol, as tshark -d has it: tcp.port==8888,http"),
    Option("-M", "MODE...", "TZ=ZONE, label=PATTERN"),
)
ARROWS = {"src": "->", "dst": "<-"}
AT_ONCE = 4096  # records that go through one tshark
SECONDS = 600
PLAIN = ("-n", "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE")
LINE = ("-T", "fields", "-e", "frame.number", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info")
CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), ".")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was; LibraryError without tshark."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    from clients.listing.columns import columns
    from clients.listing.lines import Listing
    from processors.payload.packets import NEEDED

    program = shutil.which("tshark")
    if program is None:
        raise LibraryError("tshark is not installed: apt-get install tshark")
    listing = Listing(columns(parsed.words("-s")), inquiry.style(parsed))
    window, selected = inquiry.window(parsed), 0
    frames = Source(parsed).frames(selection(parsed), listing.needed | NEEDED)
    for frame in window.output.cut(window.input.cut(frames)):
        for piece in frame.iter_slices(AT_ONCE):
            if not selected:
                print(listing.heading())
            selected += piece.height
            _print(piece, listing, _decoded(program, parsed, piece))
    return 0 if selected else inquiry.NO_MATCH


def _print(frame: pl.DataFrame, listing: Listing, said: dict[int, list[str]]) -> None:
    for row, line in enumerate(listing.lines(frame)):
        print(line)
        for text in said.get(row, ()):
            print(f"    {text}".rstrip())
    sys.stdout.flush()


def _decoded(program: str, parsed: Parsed, frame: pl.DataFrame) -> dict[int, list[str]]:
    """Return what tshark says of each row."""
    from processors.payload.packets import PCAP_HEAD, packets

    made = list(packets(frame))
    if not made:
        return {}
    detailed = parsed.count("-V") > 0 or parsed.word("-O") is not None
    rules = [word for rule in parsed.words("--decode-as") for word in ("-d", rule)]
    only = ["-O", str(parsed.word("-O"))] if parsed.word("-O") else ["-V"]
    command = [program, "-r", "-", *PLAIN, *rules, *(only if detailed else LINE)]
    text = _run_tshark(command, PCAP_HEAD + b"".join(packet.data for packet in made))
    said: dict[int, list[str]] = {}
    for number, lines in (_parts(text) if detailed else _lines(text)).items():
        packet = made[number - 1]
        head, *rest = lines
        said.setdefault(packet.row, []).extend([f"{ARROWS[packet.side]} {head}", *(f"   {line}" for line in rest)])
    return said


def _run_tshark(command: Sequence[str], capture: bytes) -> str:
    try:
        done = subprocess.run(command, input=capture, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise InputError(f"tshark: did not end within {SECONDS} s") from None
    if done.returncode:
        complaint = [
            line for line in done.stderr.decode(errors="replace").splitlines() if "Running as user" not in line
        ]
        raise InputError(complaint[0] if complaint else f"tshark: exit status {done.returncode}")
    return done.stdout.decode("utf-8", "replace").translate(CONTROL)


def _lines(text: str) -> dict[int, list[str]]:
    """Return the one line that tshark prints for each packet, by its number."""
    rows = (line.split("\t", 2) for line in text.splitlines())
    return {int(row[0]): [" ".join(row[1:]).strip()] for row in rows if len(row) == 3 and row[0].isdecimal()}


def _parts(text: str) -> dict[int, list[str]]:
    """Return the lines that tshark prints for each packet, without those on the packet itself, by its number."""
    found: dict[int, list[str]] = {}
    number, wanted = 0, False
    for line in text.splitlines():
        if line.startswith("Frame "):
            number += 1
            wanted = False
            found[number] = []
        elif line and not line.startswith(" "):
            wanted = not line.startswith(("Ethernet II", "Internet Protocol", "Transmission Control", "User Datagram"))
        if number and wanted and line:
            found[number].append(line)
    return {number: lines or ["nothing"] for number, lines in found.items()}
