"""`argosy sink files`: flows in files by the time they began, several outputs in one process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option
from clients.sink.shared import directory_identity, keep_flows, needed
from sinks.formats.names import SCHEME
from topics.errors import UsageError

if TYPE_CHECKING:
    from clients.options import Parsed
    from sinks.files.settings import Output

PATTERN, ROTATE, GRACE = "%Y-%m-%d/flows.%H.%M.%S", "5m", "7m"
CUTS = ("time", "count", "size")
NAMED = (("grace", "--grace"), ("until", "--until"), ("program", "--program"), ("layout", "--layout"))
WHAT = "flows in files, by the time they began"
SUMMARY = """\
Keeps the flows of a topic in files, by the time the flows began, until it is stopped by SIGTERM or Ctrl-C. However it
ends, nothing is lost or kept twice. Several outputs: -w several times, or a settings file."""
OPTIONS = (
    Option("--data", "DIR", "directory to keep them in, or s3://BUCKET/PREFIX"),
    Option("--pattern", "PATTERN", "names of files: strftime in UTC, $srcid, $saddr or any other field,\n"
                                   f".parquet, .avro, .jsonl or .csv at the end (default {PATTERN})"),
    Option("-w", "PATTERN...", "another output: directory and pattern in one, perhaps with a filter after it:\n"
                               "-w '/archive/$srcid/%Y/%m/%d/flows.%H.%M.%S' -w '/dns/%Y%m%d.csv' 'udp port 53'"),
    Option("-M", "CUT...", f"when files end: time 5m, count 100000, size 100M (default time {ROTATE})"),
    Option("--rotate", "TIME", "the same as -M time TIME"),
    Option("--until", "FILTER", "a record that this filter selects is the last of its file"),
    Option("--grace", "TIME", f"wait so long for flows that end late (default {GRACE})"),
    Option("--layout", "LAYOUT", "whole, or lean: less than half the bytes (docs/guides/archive.md)"),
    Option("--program", "FILE", "program to run on each closed file, whose path it gets"),
    Option("-f", "FILE", "outputs from a settings file (docs/guides/archive.md) instead"),
)  # fmt: skip


def keep(parsed: Parsed) -> None:
    """Run the sink."""
    needed(parsed, "--bus", "where Kafka is: --bus kafka://HOST:PORT")
    wanted = outputs(parsed)

    from sinks.files.opening import open_outputs

    where = directory_identity(wanted[0].directory) if len(wanted) == 1 else _identity(wanted)
    keep_flows(parsed, "files", where, lambda: open_outputs(wanted))


def outputs(parsed: Parsed) -> tuple[Output, ...]:
    """Return the outputs that are asked for; raises UsageError, SettingsError."""
    path, place, named = parsed.word("-f"), parsed.word("--data"), parsed.words("-w")
    others = [name for name in ("--data", "--pattern", "-w", "-M", "--rotate", "--until", "--grace", "--program",
                               "--layout") if parsed.words(name)]  # fmt: skip
    if path is not None:
        if others:
            raise UsageError(f"option {others[0]}: the settings file of -f says it")
        from sinks.files.settings import read_outputs

        return read_outputs(path)
    if not place and not named:
        raise UsageError("say where files go: --data DIR, -w PATTERN or -f SETTINGS")
    found = [_one(parsed, place, parsed.word("--pattern") or "", "")] if place else []
    return (*found, *(_named(parsed, group) for group in parsed.groups.get("-w", [])))


def _named(parsed: Parsed, group: list[str]) -> Output:
    pattern, *condition = group
    if len(condition) > 1:
        raise UsageError(f"option -w: '{pattern}' has a filter already, '{condition[1]}' is one too many")
    directory, name = split_pattern(pattern)
    return _one(parsed, directory, name, "".join(condition))


def split_pattern(pattern: str) -> tuple[str, str]:
    """Return the directory that a pattern begins with and the rest, in which something varies."""
    if pattern.startswith(SCHEME):
        directory, name = split_pattern(pattern.removeprefix(SCHEME))
        return f"{SCHEME}{directory}", name
    parts = Path(pattern).parts
    fixed = next((n for n, part in enumerate(parts) if "%" in part or "$" in part), len(parts) - 1)
    fixed = min(fixed, len(parts) - 1)
    return str(Path(*parts[:fixed])), "/".join(parts[max(fixed, 0) :])


def _one(parsed: Parsed, directory: str, name: str, condition: str) -> Output:
    from sinks.files.settings import output

    values = {"directory": directory, "name": name, "filter": condition, **cuts(parsed)}
    for key, option in NAMED:
        if parsed.word(option):
            values[key] = parsed.word(option) or ""
    return output(**values)


def cuts(parsed: Parsed) -> dict[str, str]:
    """Return what `-M` and `--rotate` say: time, count and size; raises UsageError."""
    words = parsed.words("-M")
    found = dict(zip(words[::2], words[1::2], strict=False))
    unknown = next((word for word in words[::2] if word not in CUTS), None)
    if unknown is not None or len(words) % 2:
        raise UsageError(f"option -M takes time 5m, count 100000 or size 100M, not '{unknown or words[-1]}'")
    if parsed.word("--rotate"):
        found["time"] = parsed.word("--rotate") or ""
    return found


def _identity(wanted: tuple[Output, ...]) -> str:
    return "\n".join(sorted({directory_identity(each.directory) for each in wanted}))
