"""DNS transactions and names of addresses in files: Avro object containers, beside the flows of the same packets."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fastavro import parse_schema, schemaless_reader

from sinks.formats.container import ContainerWriter, read_blocks
from sinks.formats.destination import writing_to
from topics import single_object
from topics.dns import DNS_BATCH, decode_dns, encode_dns
from topics.errors import DecodeError, InputError
from topics.names import AddressName, encode_name
from topics.names.record import ADDRESS_NAME
from topics.schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from topics.dns import DnsBatch

DNS_SUFFIX, NAMES_SUFFIX = ".dns", ".names"
PATTERN = "%Y-%m-%d/names.%H.%M.%S"
AT_ONCE = 4096
SECOND = 1_000_000_000


class FindingsSink:
    """Keeps transactions and names below `directory`, in two files that are named after the first transaction or name.

    So the same packets read twice are kept once. Raises OutputError naming the file.
    """

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._dns: ContainerWriter | None = None
        self._names: ContainerWriter | None = None
        self._waiting: list[bytes] = []
        self.transactions = self.names = 0

    def write_dns(self, batch: DnsBatch) -> None:
        """Take transactions."""
        if not len(batch):
            return
        if self._dns is None:
            self._dns = self._open(int(batch.transactions["time"][0]), DNS_SUFFIX, DNS_BATCH)
        self._dns.put([encode_dns(batch)])
        self.transactions += len(batch)

    def write_names(self, names: Sequence[AddressName]) -> None:
        """Take names."""
        if names and self._names is None:
            self._names = self._open(names[0].first, NAMES_SUFFIX, ADDRESS_NAME)
        self._waiting += map(encode_name, names)
        self.names += len(names)
        if len(self._waiting) >= AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Let the files appear."""
        self._flush()
        for writer in (self._dns, self._names):
            if writer is not None:
                writer.close()

    def abort(self) -> None:
        """Leave nothing behind."""
        for writer in (self._dns, self._names):
            if writer is not None:
                writer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def _flush(self) -> None:
        if self._names is not None and self._waiting:
            self._names.put(self._waiting)
            self._waiting = []

    def _open(self, time: int, suffix: str, schema: str) -> ContainerWriter:
        path = self._directory / (datetime.fromtimestamp(time // SECOND, UTC).strftime(PATTERN) + suffix)
        with writing_to(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
        return ContainerWriter(str(path), schema)


def read_dns(path: str) -> Iterator[DnsBatch]:
    """Yield the batches of a file; raises InputError naming it when it is something else or damaged."""
    for _, value, _ in read_blocks(path, (DNS_BATCH,), "DNS transactions"):
        try:
            yield decode_dns(single_object.wrap(DNS_BATCH, value))
        except DecodeError as error:
            raise InputError(f"{path}: no Avro file of DNS transactions, or a damaged one: {error}") from error


def read_names(path: str) -> Iterator[AddressName]:
    """Yield the names of a file; raises InputError naming it when it is something else or damaged."""
    schema = parse_schema(schema_json(ADDRESS_NAME))
    for count, value, _ in read_blocks(path, (ADDRESS_NAME,), "names of addresses"):
        source = io.BytesIO(value)
        for _ in range(count):
            try:
                values: Any = schemaless_reader(source, schema, None)
            except Exception as error:
                raise InputError(f"{path}: no Avro file of names of addresses, or a damaged one") from error
            yield AddressName(**values | {"chain": tuple(values["chain"])})
