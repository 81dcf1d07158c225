"""An archive in a bucket of an object store that speaks S3.

Keys, region and endpoint come from the environment as for other tools (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_REGION, AWS_ENDPOINT_URL). An object appears whole or not at all; nothing says who reads it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from obstore.exceptions import BaseError
from obstore.store import S3Store

from sinks.archive.store import Listed
from sinks.formats.names import SCHEME, reason
from topics.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 8 << 20
RETRY_SECONDS = 60


class ObjectStore:
    """Objects below a prefix of a bucket. Raises InputError, OutputError naming the object, UsageError."""

    def __init__(self, address: str) -> None:
        bucket, _, prefix = address.removeprefix(SCHEME).rstrip("/").partition("/")
        self.address = f"{SCHEME}{bucket}/{prefix}".rstrip("/")
        if not bucket:
            raise UsageError(f"archive '{address}' names no bucket: s3://BUCKET/PREFIX")
        self._store = _open(self.address, bucket, prefix)
        self._staging = tempfile.TemporaryDirectory(prefix="argosy-archive-")

    def list(self) -> Iterator[Listed]:
        """Yield all objects in the order of their keys."""
        try:
            found = [Listed(each["path"], each["size"]) for part in self._store.list() for each in part]
        except (BaseError, OSError) as error:
            raise InputError(f"{self.address}: {_why(error)}") from None
        yield from sorted(found)

    def read(self, key: str) -> bytes | None:
        """Return the content of an object, None of one that is not there."""
        try:
            return bytes(self._store.get(key).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise InputError(f"{self.address}/{key}: {_why(error)}") from None

    def has(self, key: str) -> bool:
        """Tell whether there is an object."""
        try:
            self._store.head(key)
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise InputError(f"{self.address}/{key}: {_why(error)}") from None
        return True

    def put(self, key: str, data: bytes) -> None:
        """Write a small object, in place of one that may be there."""
        self._change(key, lambda: self._store.put(key, data))

    def stage(self, key: str) -> Path:
        """Return where to write a file, in a temporary directory."""
        return Path(self._staging.name, PurePosixPath(key).name)

    def publish(self, staged: Path, key: str) -> None:
        """Let a staged file appear as an object."""
        self._change(key, lambda: self._store.put(key, staged))
        staged.unlink()

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        self._change(key, lambda: self._removed(key))

    def _removed(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._store.delete(key)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Fetch an object for as long as it is read."""
        with tempfile.TemporaryDirectory(dir=self._staging.name) as place:
            path = Path(place, PurePosixPath(key).name)
            try:
                with path.open("wb") as file:
                    for part in self._store.get(key).stream(min_chunk_size=AT_ONCE):
                        file.write(part)
            except (BaseError, OSError) as error:
                raise InputError(f"{self.address}/{key}: {_why(error)}") from None
            beside = PurePosixPath(key).with_name(f".{path.name}.facts").as_posix()
            facts = None if path.suffix == ".parquet" else self.read(beside)
            if facts is not None:
                path.with_name(f".{path.name}.facts").write_bytes(facts)
            yield path

    def is_read(self, _key: str) -> bool:
        """Nobody can tell: a reader that finds an object gone has to begin anew."""
        return False

    def close(self) -> None:
        """Remove what was staged."""
        self._staging.cleanup()

    def _change(self, key: str, work: Any) -> None:  # noqa: ANN401 - a call without arguments, of whatever result
        try:
            work()
        except (BaseError, OSError) as error:
            raise OutputError(f"{self.address}/{key}: {_why(error)}") from None


def _open(address: str, bucket: str, prefix: str) -> S3Store:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
            retry_config={"max_retries": 5, "retry_timeout": _seconds(RETRY_SECONDS)},
            config={"endpoint": endpoint} if endpoint else None,
        )
    except (BaseError, ValueError) as error:
        raise UsageError(f"archive '{address}': {_why(error)}") from None


def _seconds(count: int) -> Any:  # noqa: ANN401 - a timedelta
    from datetime import timedelta

    return timedelta(seconds=count)


def _why(error: BaseException) -> str:
    return reason(error)[:200]
