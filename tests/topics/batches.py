"""Random batches, and batches as the plain values that fastavro reads and writes."""

from typing import Any

import numpy as np
from fastavro import parse_schema

from topics.batch import FlowBatch, Observer, Records
from topics.histograms import VECTOR_BYTES
from topics.record import HEAP_FIELDS, empty_records
from topics.schema import FLOW_BATCH, Field, flow_fields, schema_json

PARSED = parse_schema(schema_json(FLOW_BATCH))
HEADER = ("site", "probe", "boot_id", "partition", "sequence", "status_interval", "watermark")
TEXTS = ("", "country=DE", "name=prüfstelle", "名=路由器", "🛰=1:x", "\x00\u07ff\u0800\uffff\U00010000\U0010ffff")
DOUBLES = (0.0, -0.0, 1.5, -1e300, 5e-324, float("inf"), float("nan"))


def random_batch(seed: int, count: int, *, heap: bool = True) -> FlowBatch:
    """Return a batch of values over the whole width of each field, small ones and zeros above all."""
    random = np.random.default_rng(seed)
    records = empty_records(count)
    for field in flow_fields():
        if field.store != "heap":
            records[field.name] = _values(field, count, random)
    pieces = _fill_heap(records, random) if heap else []
    observers = [Observer(f"site {n}", "probe", TEXTS[n % len(TEXTS)]) for n in range(random.integers(0, 4))]
    numbers = {name: int(random.integers(-(2**63), 2**63)) for name in HEADER[2:]}
    numbers["partition"] = int(random.integers(-(2**31), 2**31))
    return FlowBatch(
        records=records,
        heap=np.frombuffer(b"".join(pieces), np.uint8),
        site=TEXTS[seed % len(TEXTS)],
        probe="edge",
        observers={observer.id: observer for observer in observers},
        **numbers,
    )


def _values(field: Field, count: int, random: np.random.Generator) -> Any:
    if field.kind == "fixed":
        return random.integers(0, 256, (count, field.size)) * random.integers(0, 2, (count, 1))
    if field.kind == "double":
        return random.choice(DOUBLES, count)
    if field.kind == "enum":
        return random.integers(0, len(field.symbols), count)
    bits = 8 * int(field.store[1])
    values = random.integers(0, 2**64, count, dtype=np.uint64) >> random.integers(64 - bits, 64, count, dtype=np.uint64)
    values *= random.integers(0, 2, count, dtype=np.uint64)
    values[random.random(count) < 0.1] = 2**bits - 1
    signs = random.integers(0, 2, count).astype(bool) & (field.store == "i8")
    return np.where(signs, ~values.astype(np.int64), values.astype(np.int64))


def _fill_heap(records: Records, random: np.random.Generator) -> list[bytes]:
    pieces, length = [b"unused"], 6
    for row in range(len(records)):
        for name in HEAP_FIELDS:
            size = int(random.choice([0, 0, 1, 7, 64, 200, 9000], p=[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]))
            piece = str(random.choice(TEXTS)).encode() if name == "labels" else random.bytes(size)
            if name.endswith("_histograms") and random.random() < 0.5:
                piece = random.bytes(VECTOR_BYTES)
            records[f"{name}_offset"][row], records[f"{name}_length"][row] = length, len(piece)
            pieces.append(piece)
            length += len(piece)
    return pieces


def plain(batch: FlowBatch) -> dict[str, Any]:
    """Return a batch as fastavro has it."""
    observers = [
        {"id": number, "site": each.site, "probe": each.probe, "interface": each.interface}
        for number, each in batch.observers.items()
    ]
    records = [{field.name: _plain_value(batch, row, field) for field in flow_fields()} for row in range(len(batch))]
    return {name: getattr(batch, name) for name in HEADER} | {"observers": observers, "records": records}


def _plain_value(batch: FlowBatch, row: int, field: Field) -> Any:
    if field.store == "heap":
        value = batch.heap_value(row, field.name)
        return value.decode() if field.kind == "string" else value
    value = batch.records[field.name][row]
    if field.kind == "fixed":
        return value.tobytes()
    return field.symbols[value] if field.symbols else value.item()


def comparable(batch: FlowBatch) -> str:
    """Return all that a batch says; where its heap holds it does not matter, and a NaN equals itself."""
    return repr(plain(batch))
