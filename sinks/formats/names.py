"""Names of files: which format their suffix means, and what can be said against reading one before it is opened."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from topics.errors import InputError, UsageError

DASH = "-"


class Format(StrEnum):
    """What a file holds, by suffix; `-` is an Arrow stream too."""

    ARROW = ".arrow"
    PARQUET = ".parquet"
    AVRO = ".avro"
    CSV = ".csv"
    JSONL = ".jsonl"


MAGIC = {b"PAR1": Format.PARQUET, b"Obj\x01": Format.AVRO, b"\xff\xff\xff\xff": Format.ARROW}
ARGUS_MAGIC = (b"\x83\x10\x00\x20", b"\x85\x10\x00\x20")
PLAIN = ("", ".argus", ".arg", ".ra", ".out")  # names that users of Argus give, which say nothing of the format
READABLE = (Format.PARQUET, Format.ARROW, Format.AVRO)


def format_of(path: str) -> Format:
    """Return the format that a name asks for, Arrow for one that asks for none.

    Raises UsageError, listing the known suffixes.
    """
    suffix = Path(path).suffix.lower()
    if path == DASH or suffix in PLAIN:
        return Format.ARROW
    if suffix not in list(Format):
        raise UsageError(f"{path}: unknown suffix '{suffix}', known are {', '.join(Format)} and - for a pipe")
    return Format(suffix)


def readable_format(path: str) -> Format:
    """Return the format of a file to be read.

    Raises InputError for one that is missing, empty, a directory or a terminal, UsageError for one that is not read.
    """
    if path == DASH:
        if sys.stdin.isatty():
            raise InputError("-: standard input is a terminal, flow records are expected from a pipe or file")
        return Format.ARROW
    _check_file(path)
    kind = format_of(path)
    if Path(path).suffix.lower() in PLAIN:
        return _by_content(path)
    if kind not in READABLE:
        raise UsageError(f"{path}: {kind} files are for people and not read back; read {', '.join(READABLE)} or -")
    return kind


def _by_content(path: str) -> Format:
    """Return what the first bytes of a file say it is."""
    file = Path(path)
    if not file.is_file():
        return Format.ARROW
    with file.open("rb") as stream:
        begins = stream.read(4)
    if begins in ARGUS_MAGIC:
        raise InputError(f"{path}: records of Argus, which are not read; read {', '.join(READABLE)}")
    if begins not in MAGIC:
        raise InputError(f"{path}: no file of flow records")
    return MAGIC[begins]


def _check_file(path: str) -> None:
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{path}: is a directory, not a file of flow records")
        if file.is_file() and not file.stat().st_size:
            raise InputError(f"{path}: is empty")
        with file.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return why an operation failed, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip() or type(error).__name__).splitlines()[0]
