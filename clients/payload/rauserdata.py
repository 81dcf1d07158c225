"""`argosy rauserdata`: signatures of services, learnt from how the payload of their flows begins. As Argus's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clients.command import run_client
from clients.options import Option
from clients.reading import inquiry
from clients.reading.selection import selection
from clients.reading.sources import Source
from topics.errors import OutputError, UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

USAGE = "argosy rauserdata -r FILE... | -R DIR... [-d BYTES] [-w FILE] [OPTIONS] [- FILTER]"
SUMMARY = """\
Prints signatures of services: what the first bytes of their flows have in common, for raservices. The service of a flow
is its label srv=NAME, else the name of its port. The format is that of Argus's std.sig (docs/guides/payload.md).
Exit status: 0 when something was learnt, 1 when nothing was, 2 after an error."""
OPTIONS = (
    *inquiry.INPUT,
    Option("-d", "BYTES", "bytes of a signature, 4 to 64 (16)"),
    Option("-w", "FILE", "write them there instead of printing them"),
    Option("--least", "COUNT", "only what so many flows have in common (1)"),
    Option("-M", "MODE...", "TZ=ZONE, label=PATTERN"),
)
WIDTH, LONGEST = 16, 64


def run(arguments: list[str]) -> int:
    """Run the command; 0 when there were flows with payload, 1 when there were none."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _: set[str]) -> int:
    from processors.payload.services import NEEDED, Learner
    from processors.payload.signatures import signature_lines
    from topics.fields.services import PROTOCOLS, service_names

    width, least = parsed.number("-d", WIDTH, minimum=4), parsed.number("--least", 1, minimum=1)
    if width > LONGEST:
        raise UsageError(f"option -d takes at most {LONGEST} bytes, not {width}")
    learner = Learner(width, {number: service_names(number) for number in PROTOCOLS})
    frames = Source(parsed).frames(selection(parsed), set(NEEDED))
    for frame in inquiry.window(parsed).cut(frames):
        learner.learn(frame)
    found = [one for one in learner.signatures() if one.count >= least]
    text = "\n".join([f"# {len(found)} signatures of {learner.records} flows", *signature_lines(found, width), ""])
    target = parsed.word("-w")
    if target is None or target == "-":
        print(text, end="")
    else:
        try:
            Path(target).write_text(text, "utf-8")
        except OSError as error:
            raise OutputError(f"{target}: {error.strerror}") from error
    return 0 if found else inquiry.NO_MATCH
