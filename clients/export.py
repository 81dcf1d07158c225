"""`argosy export`: records of any source to another collector, as IPFIX."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clients import reading
from clients.command import run_client
from clients.options import Option
from clients.selection import selection
from clients.sources import Source, to_batch
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

USAGE = "argosy export --to URL -r FILE... | -R DIR | -S kafka://HOST/TOPIC [OPTIONS] [- FILTER]"
SUMMARY = """Sends records to a collector of IPFIX, both directions in one record (RFC 5103).
Exit status: 0 when some record was sent, 1 when none was, 2 after an error."""
AGAIN = 200  # datagrams, before the templates are sent again
OPTIONS = (
    *reading.OPTIONS,
    Option("--to", "URL", "the collector: udp://HOST[:PORT], tcp://HOST[:PORT] or tls://HOST[:PORT]"),
    Option("--domain", "N", "observation domain that the records are of (1)"),
    Option("--rate", "N", "records a second at most (default: as fast as it goes)"),
    Option("--ca", "FILE", "certificates of who vouches for the collector (the system's)"),
    Option("--cert", "FILE", "certificate to show to it"),
    Option("--key", "FILE", "and its key"),
)


def run(arguments: list[str]) -> int:
    """Run the command; 0 when a record was sent, 1 when none was."""
    return run_client(arguments, OPTIONS, USAGE, SUMMARY, _run)


def _run(parsed: Parsed, _modes: set[str]) -> int:
    url = parsed.word("--to")
    if not url:
        raise UsageError("say which collector: --to udp://HOST:PORT")

    from sinks.ipfix import Exporting, open_destination
    from sinks.ipfix.sending import Credentials

    files = (parsed.word(name) or "" for name in ("--ca", "--cert", "--key"))
    destination = open_destination(url, Credentials(*files))
    domain, rate = parsed.number("--domain", 1, minimum=0), parsed.number("--rate", 0, minimum=0)
    exporting = Exporting(domain, destination.largest, 0 if destination.is_stream else AGAIN)
    frames = reading.window(parsed).input.cut(Source(parsed).frames(selection(parsed), None))
    began = time.monotonic()
    with destination:
        for frame in frames:
            if frame.height:
                for message in exporting.messages(to_batch(frame), int(time.time())):
                    destination.send(message)
                    if rate and (ahead := exporting.records / rate - (time.monotonic() - began)) > 0:
                        time.sleep(ahead)
    return 0 if exporting.records else reading.NO_MATCH
