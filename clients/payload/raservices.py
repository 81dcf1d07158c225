"""`argosy raservices`: which service flows are of, by how their payload begins. As Argus's raservices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from clients.writing.outputs import Outputs
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from clients.options import Parsed

USAGE = "argosy raservices -f SIGNATURES -r FILE... | -R DIR... [OPTIONS] [- FILTER]"
SUMMARY = """\
Labels flows srv=NAME by signatures of their payload, as rauserdata writes them or Argus's std.sig has them, and prints
or writes them all. Signatures hold on any port.
Exit status: 0 when some record was selected, 1 when none was, 2 after an error."""
OPTIONS = (
    *inquiry.OPTIONS,
    Option("-f", "SIGNATURES", "file of signatures"),
    Option(
        "-M",
        "MODE...",
        "match: only records with a service; diff: only those whose payload is of another service than is usual on\n"
        "their port; extend: leave labels srv= that are there; TZ=ZONE, json, xml, label=PATTERN, printer=KIND",
    ),
)
MODES = ("match", "diff", "extend", "replace")
DEFAULT = ("stime", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "label:24")


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was selected, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run, MODES)


def _run(parsed: Parsed, modes: set[str]) -> int:
    from processors.payload.services import NEEDED, Services
    from processors.payload.signatures import read_signatures

    path = parsed.word("-f")
    if path is None:
        raise UsageError("say which signatures: -f FILE, as rauserdata writes them")
    services, outputs = Services(read_signatures(path)), Outputs(parsed)
    if not parsed.words("-s"):
        parsed.given["-s"] = list(DEFAULT)
    with outputs:
        columns = None if outputs.any else inquiry.shown(parsed) | NEEDED
        frames = inquiry.window(parsed).input.cut(Source(parsed).frames(selection(parsed), columns))
        selected = inquiry.put(parsed, outputs, _labelled(frames, services, modes))
    return 0 if selected else inquiry.NO_MATCH


def _labelled(frames: Iterator[pl.DataFrame], services: object, modes: set[str]) -> Iterator[pl.DataFrame]:
    import polars as pl

    from processors.payload.services import LABEL, Services, labelled

    assert isinstance(services, Services)  # noqa: S101 - imported late
    for frame in frames:
        names = services.named(frame)
        if "extend" in modes:
            names = pl.select(
                pl.when(~frame["labels"].fill_null("").str.contains(f"(^|:){LABEL}=")).then(names)
            ).to_series()
        wanted = names.is_not_null()
        if "diff" in modes:
            wanted &= _elsewhere(frame, names)
        made = labelled(frame, names)
        yield made.filter(wanted) if modes & {"match", "diff"} else made


def _elsewhere(frame: pl.DataFrame, names: pl.Series) -> pl.Series:
    """Tell which records are of another service than their port is known for."""
    import polars as pl

    from topics.fields.services import PROTOCOLS, service_names

    known = {number: service_names(number) for number in PROTOCOLS}
    ends = frame.select("protocol", "src_port", "dst_port").iter_rows()
    usual = [{known.get(protocol, {}).get(port) for port in ports} for protocol, *ports in ends]
    return pl.Series([name not in ports for name, ports in zip(names.to_list(), usual, strict=True)], dtype=pl.Boolean)
