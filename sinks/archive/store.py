"""Where an archive is: what all kinds of places can do, and which kind an address asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sinks.formats.names import SCHEME
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Listed(NamedTuple):
    """A file: its key (path below the archive, with `/`), its bytes."""

    key: str
    size: int


class Store(Protocol):
    """A place of files by key. Whatever appears in it appears whole. Raises InputError, OutputError naming the file."""

    address: str

    def list(self) -> Iterator[Listed]:
        """Yield all files, hidden ones too, in the order of their keys."""

    def read(self, key: str) -> bytes | None:
        """Return the content of a small file, None of one that is not there."""

    def put(self, key: str, data: bytes) -> None:
        """Write a small file, in place of one that may be there."""

    def stage(self, key: str) -> Path:
        """Return where on this machine to write a file that is to be published under a key."""

    def publish(self, staged: Path, key: str) -> None:
        """Let a staged file appear."""

    def delete(self, key: str) -> None:
        """Remove a file; one that is not there is no error."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """Return a path on this machine to read a file from."""

    def is_read(self, key: str) -> bool:
        """Tell whether a process that reads the archive may still want a file."""

    def close(self) -> None:
        """Let go of it."""


def open_store(address: str) -> Store:
    """Return the archive at an address, a directory or s3://BUCKET/PREFIX, held against a second writer if it can be.

    Raises UsageError for another kind of address, InputError for a directory that is not there.
    """
    if address.startswith(SCHEME):
        from sinks.archive.objects import ObjectStore

        return ObjectStore(address)
    if "://" in address:
        raise UsageError(f"archive '{address}': a directory or s3://BUCKET/PREFIX is wanted")
    from sinks.archive.local import LocalStore

    return LocalStore(address)
