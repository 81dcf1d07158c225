"""`argosy sink files`: flows in files by the time they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import directory_identity, keep_flows, needed, seconds

if TYPE_CHECKING:
    from clients.options import Parsed
    from sinks.files import FileSink

PATTERN, ROTATE, GRACE = "%Y-%m-%d/flows.%H.%M.%S", "5m", "7m"
WHAT = "flows in Parquet files"
SUMMARY = """\
Keeps the flows of a topic in Parquet files, by the time the flows began, until it is stopped by SIGTERM or Ctrl-C.
However it ends, nothing is lost or kept twice."""
OPTIONS = (
    Option("--data", "DIR", "directory to keep them in"),
    Option("--pattern", "PATTERN", f"names of files, through strftime in UTC (default {PATTERN})"),
    Option("--rotate", "TIME", f"span of a file, as 300, 5m, 1h or 1d (default {ROTATE})"),
    Option("--grace", "TIME", f"wait so long for flows that end late (default {GRACE})"),
)


def keep(parsed: Parsed) -> None:
    """Run the sink."""
    needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    place = needed(parsed, "--data", "where files go: --data DIR")
    keep_flows(parsed, "files", directory_identity(place), lambda: _open(parsed, place))


def _open(parsed: Parsed, place: str) -> FileSink:
    from sinks.files import FileSink

    return FileSink(
        place,
        pattern=parsed.word("--pattern") or PATTERN,
        rotate=int(seconds(parsed, "--rotate", ROTATE)),
        grace=int(seconds(parsed, "--grace", GRACE)),
    )
