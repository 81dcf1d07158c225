"""Names of files: which format their suffix means, and what can be said against reading one before it is opened."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from topics.errors import InputError, UsageError

DASH = "-"
SCHEME = "s3://"  # of addresses in object stores


class Format(StrEnum):
    """What a file holds, by suffix; `-` is an Arrow stream too."""

    ARROW = ".arrow"
    PARQUET = ".parquet"
    AVRO = ".avro"
    ARGUS = ".argus"
    CSV = ".csv"
    JSONL = ".jsonl"
    ZEEK = ".log"
    EVE = ".json"


MAGIC = {
    b"PAR1": Format.PARQUET,
    b"Obj\x01": Format.AVRO,
    b"\xff\xff\xff\xff": Format.ARROW,
    b"\x83\x10\x00\x20": Format.ARGUS,
    b"\x85\x10\x00\x20": Format.ARGUS,
}
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\xfd7": "lzma"}  # by the module that opens it
PIPED = (Format.ARROW, Format.ARGUS)
PLAIN = ("", ".arg", ".ra", ".out")  # names that users of Argus give, which say nothing of the format
READABLE = (Format.PARQUET, Format.ARROW, Format.AVRO, Format.ARGUS, Format.ZEEK, Format.EVE)


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
        kind = MAGIC.get(_next(sys.stdin.buffer), Format.ARROW)
        if kind not in PIPED:
            raise InputError(
                f"-: {kind} files are not read from a pipe; name the file, or pipe it: argosy ra -r FILE -w -"
            )
        return kind
    _check_file(path)
    begins = beginning(path)
    if MAGIC.get(begins) is Format.ARGUS:
        return Format.ARGUS
    kind = format_of(path)
    if Path(path).suffix.lower() in PLAIN or kind is Format.ARGUS:
        return _by_content(path, begins)
    if kind not in READABLE:
        raise UsageError(f"{path}: {kind} files are for people and not read back; read {', '.join(READABLE)} or -")
    return kind


def _by_content(path: str, begins: bytes) -> Format:
    """Return what the first bytes of a file say it is."""
    if not Path(path).is_file():
        return Format.ARROW
    if begins not in MAGIC:
        raise InputError(f"{path}: no file of flow records")
    return MAGIC[begins]


def beginning(path: str) -> bytes:
    """Return the first four bytes of a file, of what is in it where it is compressed; none of what is no file."""
    if not Path(path).is_file():
        return b""
    try:
        with decompressed(path) as stream:
            return stream.read(4)
    except Exception:  # noqa: BLE001 - each kind of compression has errors of its own, and all say that this is none
        return b""


def holds_argus(stream: BinaryIO) -> bool:
    """Tell whether records of Argus come next on a pipe, without taking anything."""
    return MAGIC.get(_next(stream)) is Format.ARGUS


def _next(stream: BinaryIO) -> bytes:
    """Return the four bytes that come next, without taking them; none of what cannot tell."""
    peek = getattr(stream, "peek", None)
    return b"" if peek is None else bytes(peek(4)[:4])


def decompressed(path: str) -> BinaryIO:
    """Open a file, and what is in it where it is compressed by gzip, bzip2 or xz."""
    with Path(path).open("rb") as file:
        module = COMPRESSED.get(file.read(2))
    if module is None:
        return Path(path).open("rb")
    opened: BinaryIO = import_module(module).open(path, "rb")
    return opened


def _check_file(path: str) -> None:
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{path}: is a directory, not a file of flow records; -R reads what is in it")
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
