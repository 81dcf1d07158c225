"""`argosy rastrip`: records without some of their parts. As Argus's rastrip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs

if TYPE_CHECKING:
    from clients.options import Parsed

USAGE = "argosy rastrip [-M PART...] -r FILE... -w FILE [OPTIONS] [- FILTER]"
SUMMARY = """Writes or prints records without encapsulations, counts of records, VLANs, MPLS, MACs, ICMP errors,
IP attributes, times between packets and payload, or without other parts.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    inquiry.REJECTED,
    Option(
        "-M",
        "PART...",
        "-PART takes that one away, +PART keeps one of the usual: time metric agr net frag vlan mpls jitter\n"
        "ipattr psize suser duser mac icmp encaps label; replace: each file by its stripped self; TZ=ZONE, json, xml",
    ),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    from processors.stripping import PARTS

    signed = [sign + part for part in PARTS for sign in ("", "+", "-")]
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, ("replace", *signed))


def _run(parsed: Parsed, modes: set[str]) -> int:
    from clients.writing.replacing import each_file

    if "replace" in modes:
        return each_file(parsed, _strip)
    return _strip(parsed, Source(parsed), Outputs(parsed))


def _strip(parsed: Parsed, source: Source, outputs: Outputs) -> int:
    from processors.stripping import PARTS, strip, stripped_parts

    parts = stripped_parts(word for word in parsed.words("-M") if word.lstrip("+-") in PARTS)
    rejected = outputs.reject if outputs.wants_rejects else None
    with outputs:
        frames = inquiry.window(parsed).input.cut(source.frames(selection(parsed), None, rejected=rejected))
        selected = inquiry.put(parsed, outputs, (strip(frame, parts) for frame in frames))
    return 0 if selected else inquiry.NO_MATCH
