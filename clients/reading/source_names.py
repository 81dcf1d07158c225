"""What names the places that records come from: files, directories, standard input and live topics."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients.reading.objects import fetched_file, fetched_files, is_object
from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from clients.options import Parsed

READ_SUFFIXES = {".parquet", ".arrow", ".avro", ".argus"}
DASH = "-"
SCHEME = "kafka://"
DEFAULT_PORT = 9092


def paths(parsed: Parsed) -> list[str]:
    """Return the files and topics to be read.

    Raises UsageError when none is named, InputError for a directory without any.
    """
    directories = (path for directory in parsed.words("-R") for path in record_files(directory))
    found = [
        *(_file(name) for name in parsed.words("-r")),
        *directories,
        *(_topic(source) for source in parsed.words("-S")),
    ]
    if not found and _piped():
        return [DASH]
    if not found:
        raise UsageError("say what to read: -r FILE, -R DIR, -S kafka://HOST/TOPIC or -r - for a pipe")
    if found.count(DASH) > 1:
        raise UsageError("standard input can be read only once: -r - was given twice")
    return found


def _file(name: str) -> str:
    if name == DASH and _redirected():
        return f"/dev/fd/{sys.stdin.fileno()}"
    return fetched_file(name) if is_object(name) else name


def _redirected() -> bool:
    """Tell whether standard input is a file, `-r - < records.parquet`, which can be read as if it had been named."""
    try:
        return stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode) and not sys.stdin.buffer.tell()
    except (OSError, ValueError):
        return False


def _piped() -> bool:
    """Tell whether something is piped in: `racluster ... -w - | rasort -m pkts` names no input, nor need it."""
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def record_files(directory: str) -> list[str]:
    """Return the record files under a directory, without those in hidden directories or behind links, as Argus does.

    Those below s3://BUCKET/PREFIX are fetched.
    """
    if is_object(directory):
        directory = str(fetched_files(directory, READ_SUFFIXES))
    if not Path(directory).is_dir():
        raise InputError(
            f"{directory}: is no directory" if Path(directory).exists() else f"{directory}: No such directory"
        )
    from sinks.archive import swap

    swap.reading(Path(directory))  # from before the look until this process ends: what is seen now is not removed
    found, hidden = list[Path](), swap.hidden_above(Path(directory))
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        if swap.ANNOUNCED in names:
            hidden |= swap.hidden(Path(place).absolute(), Path(place, swap.ANNOUNCED))
        files = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        found += [file for file in files if not file.is_symlink() and _holds_records(file)]
    files_that_count = [str(file) for file in found if not hidden or file.absolute() not in hidden]
    if not files_that_count:
        raise InputError(f"{directory}: holds no record files ({', '.join(sorted(READ_SUFFIXES))})")
    return files_that_count


def _holds_records(file: Path) -> bool:
    """Tell by its name, or by what is in it where the name is one that Argus's users give: `argus.2026.11.21.gz`."""
    if file.suffix in READ_SUFFIXES:
        return True
    from sinks.formats.names import MAGIC, Format, beginning

    return MAGIC.get(beginning(str(file))) is Format.ARGUS


def _topic(source: str) -> str:
    brokers, slash, topic = source.removeprefix(SCHEME).partition("/")
    if not source.startswith(SCHEME) or not brokers or not slash or not topic or "/" in topic:
        raise UsageError(f"option -S takes kafka://HOST[:PORT]/TOPIC, not '{source}'")
    named = [broker if ":" in broker else f"{broker}:{DEFAULT_PORT}" for broker in brokers.split(",")]
    return f"{SCHEME}{','.join(named)}/{topic}"


def topic_address(source: str) -> tuple[str, str]:
    """Return the address of the brokers and the topic that `kafka://HOST[:PORT]/TOPIC` names; raises UsageError."""
    url, _, topic = _topic(source).rpartition("/")
    return url, topic
