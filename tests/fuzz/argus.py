"""A target whose input is an Argus stream: management records, and flow records with all kinds of parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.fuzz.target import Target
from topics.argus.decoder import ArgusDecoder
from topics.argus.encoder import ArgusEncoder
from topics.argus.management import Management, write_management
from topics.batch import FlowBatch, concatenate
from topics.errors import ArgusError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from random import Random

SAMPLE = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
FIELDS = ("src_packets", "dst_bytes", "src_first", "tcp_state", "flow_id", "labels_length", "src_payload_length")
SEEDS = 40
LARGEST = 400  # bytes of a record that is a seed


class Argus(Target):
    """Streams decoded whole and in pieces, which must agree; and what was decoded, encoded and decoded again."""

    name = "argus"
    batch = 16

    def seeds(self) -> dict[str, bytes]:
        """Return records of many shapes, behind the first management record."""
        hello, found = write_management(Management(source="10.1.2.3")), dict[tuple[bytes, ...], bytes]()
        for record in _records(SAMPLE.read_bytes()):
            found.setdefault(_shape(record), record)
        kept = [record for record in found.values() if len(record) <= LARGEST][:SEEDS]
        seeds = {f"record-{number:02}": hello + record for number, record in enumerate(kept)}
        event = bytes.fromhex("431000090302180569afdd90000000010000000000000000509000030004000461626364")
        third = b"\x15" + kept[0][1:]
        return seeds | {"event": hello + event, "version-5": hello + third, "several": hello + b"".join(kept[:5])}

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Decode each whole, then cut somewhere; and encode what came."""
        return [self._decoded(each, random) for each in inputs]

    def _decoded(self, data: bytes, random: Random) -> Hashable:
        whole, reason = _decode([data])
        cut = random.randrange(len(data) + 1)
        again, other = _decode([data[:cut], data[cut:]])
        assert reason == other
        for name in FIELDS:
            np.testing.assert_array_equal(whole.records[name], again.records[name], err_msg=name)
        ends = whole.records["labels_offset"].astype(np.int64) + whole.records["labels_length"]
        assert not len(ends) or int(ends.max()) <= len(whole.heap)
        back, wrong = _decode([ArgusEncoder().encode(whole)])
        assert not wrong
        np.testing.assert_array_equal(back.records["src_packets"], whole.records["src_packets"])
        return reason.rpartition(" at offset")[0], min(len(whole), 3), tuple(whole.records["protocol"][:2].tolist())


def _decode(pieces: list[bytes]) -> tuple[FlowBatch, str]:
    decoder, batches = ArgusDecoder("fuzz"), list[FlowBatch]()
    try:
        for piece in pieces:
            batches.extend(decoder.feed(piece))
        decoder.end()
    except ArgusError as error:
        return concatenate(batches), str(error)
    return concatenate(batches), ""


def _records(data: bytes) -> list[bytes]:
    found, place = [], 0
    while place + 4 <= len(data):
        length = 4 * int.from_bytes(data[place + 2 : place + 4])
        found.append(data[place : place + length])
        place += length
    return found


def _shape(record: bytes) -> tuple[bytes, ...]:
    """Return the heads of the parts of a record."""
    heads, place = [record[:1]], 4
    while place + 4 <= len(record):
        head = record[place : place + 4]
        size = int.from_bytes(head[2:]) if head[0] == 0x50 and head[1] & 0x80 else head[3]
        if not size:
            break
        heads.append(head[:3])
        place += 4 * size
    return tuple(heads)
