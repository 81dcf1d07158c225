"""Records in a bucket of an object store that speaks S3: fetched before they are read, gone when the process ends."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sinks.formats.names import SCHEME
from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Container

    from sinks.archive.objects import ObjectStore

_FETCHED: list[tuple[str, tempfile.TemporaryDirectory[str]]] = []  # by address; they remove themselves in the end


def is_object(address: str) -> bool:
    """Tell whether an address is in an object store."""
    return address.startswith(SCHEME)


def by_address(message: str) -> str:
    """Return what is said of a fetched object with its address instead of where it lies."""
    for address, directory in _FETCHED:
        message = message.replace(directory.name, address)
    return message


def fetched_file(address: str) -> str:
    """Return where on this machine the object s3://BUCKET/KEY lies now.

    Raises UsageError for an address without a key, InputError naming an object that cannot be read.
    """
    parent, _, name = address.rpartition("/")
    if not name or parent in {SCHEME, SCHEME[:-1]}:
        raise UsageError(f"'{address}' names no object: s3://BUCKET/KEY")
    store, directory = _open(parent), _directory(parent)
    _fetch(store, name, directory)
    store.close()
    return str(directory / name)


def fetched_files(address: str, suffixes: Container[str]) -> Path:
    """Return a directory with the objects below s3://BUCKET/PREFIX that have one of the suffixes, at their keys.

    What an archive says about files that take the place of others is there, too. Raises UsageError for another
    address, InputError naming an object that cannot be read, or that was removed meanwhile.
    """
    from sinks.archive.swap import ANNOUNCED

    store, directory = _open(address), _directory(address.rstrip("/"))
    keys = [listed.key for listed in store.list()]
    for key in sorted(keys, key=lambda key: not key.endswith(ANNOUNCED)):  # those first: they say what counts
        if PurePosixPath(key).name == ANNOUNCED or PurePosixPath(key).suffix in suffixes:
            _fetch(store, key, directory)
    store.close()
    return directory


def _open(address: str) -> ObjectStore:
    from sinks.archive.objects import ObjectStore

    return ObjectStore(address)


def _directory(address: str) -> Path:
    _FETCHED.append((address, tempfile.TemporaryDirectory(prefix="argosy-objects-")))
    return Path(_FETCHED[-1][1].name)


def _fetch(store: ObjectStore, key: str, directory: Path) -> None:
    target = directory / key
    if ".." in PurePosixPath(key).parts or PurePosixPath(key).is_absolute():
        raise InputError(f"{store.address}/{key}: leads out of its prefix")
    target.parent.mkdir(parents=True, exist_ok=True)
    with store.local(key) as path:
        path.replace(target)
