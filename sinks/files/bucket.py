"""Where files of a sink go that are kept in an object store: written here, uploaded whole as they are closed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sinks.archive.objects import ObjectStore
from sinks.files.facts import LEDGER, facts_of, read_ledger, side_file


class Bucket:
    """Objects below s3://BUCKET/PREFIX, for a sink that writes its files below `path` first.

    Nobody else may write there: a store of objects has no locks. What a killed sink had not closed is not in it, and is
    read again. Raises InputError, OutputError naming the object, UsageError for an address without a bucket.
    """

    def __init__(self, address: str) -> None:
        self._store = ObjectStore(address)
        self._staging = tempfile.TemporaryDirectory(prefix="argosy-sink-")
        self.path = Path(self._staging.name)

    def known(self, path: Path) -> dict[str, Any] | None:
        """Return the facts of a file that is there, empty for one of another writer, None for one that is not."""
        key = self._key(path)
        if not self._store.has(key):
            return None
        with self._store.local(key) as fetched:
            return facts_of(fetched)

    def merged(self, path: Path) -> dict[str, Any] | None:
        """Return the facts of a file that was merged into others, None of one that was not."""
        return read_ledger(self._store.read(self._key(path.with_name(LEDGER))) or b"").get(path.name)

    def publish(self, path: Path) -> None:
        """Upload a closed file, after what is kept beside it: then it is there, whole."""
        beside = side_file(path)
        if beside.exists():
            self._store.put(self._key(beside), beside.read_bytes())
            beside.unlink()
        self._store.publish(path, self._key(path))

    def close(self) -> None:
        """Remove what was not closed."""
        self._store.close()
        self._staging.cleanup()

    def _key(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()
