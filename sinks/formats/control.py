"""Control-plane payloads in a file: an Avro object container of the batches that travel on the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinks.formats.container import ContainerWriter, read_blocks
from topics import single_object
from topics.control import CONTROL_BATCH, decode_control, encode_control
from topics.errors import DecodeError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.control import ControlBatch

SUFFIX = ".control.avro"
WHAT = "control-plane payloads"


class ControlWriter(ContainerWriter):
    """Writes batches as they come, a block each; the file appears whole, on leaving. Raises OutputError naming it."""

    def __init__(self, path: str) -> None:
        super().__init__(path, CONTROL_BATCH)

    def write(self, batch: ControlBatch) -> None:
        """Add a batch."""
        self.put([encode_control(batch)])


def read_control(path: str) -> Iterator[ControlBatch]:
    """Yield the batches of a file; raises InputError naming it when it is something else or damaged."""
    for count, value, _ in read_blocks(path, (CONTROL_BATCH,), WHAT):
        if count != 1:
            raise InputError(f"{path}: no Avro file of {WHAT}, or a damaged one: a block of {count} batches")
        try:
            yield decode_control(single_object.wrap(CONTROL_BATCH, value))
        except DecodeError as error:
            raise InputError(f"{path}: no Avro file of {WHAT}, or a damaged one: {error}") from error
