"""The released Avro schemas, and what their fields mean beyond Avro: storage width, unit, merge rule, `ra` name."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

FLOW_BATCH = "flow-batch.v1"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of FlowRecord.

    `kind` is its Avro type: int, long, double, enum, fixed, bytes or string; `store` the width it has in memory as a
    NumPy type code (`u1` to `u4`, `i8`, `f8`), `S<size>` for fixed, `heap` for bytes and strings; `merge` the rule by
    which two records of one flow become one (see processors/merge).
    """

    name: str
    kind: str
    store: str
    merge: str
    doc: str
    unit: str = ""
    ra: str = ""
    symbols: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of a fixed field."""
        return int(self.store[1:])


@functools.cache
def schema_names() -> tuple[str, ...]:
    """Return the names of all released schemas."""
    files = resources.files("topics").joinpath("schemas").iterdir()
    return tuple(sorted(path.name.removesuffix(".avsc") for path in files if path.name.endswith(".avsc")))


@functools.cache
def revisions(name: str) -> tuple[str, ...]:
    """Return the names of the revisions of a schema that were released, oldest first: `flow-batch.v1/1` and so on."""
    directory = resources.files("topics").joinpath("schemas", "released", name)
    numbers = [int(path.name.removesuffix(".avsc")) for path in directory.iterdir()] if directory.is_dir() else []
    return tuple(f"{name}/{number}" for number in sorted(numbers))


@functools.cache
def schema_text(name: str) -> str:
    """Return the text of a schema: `flow-batch.v1` as it is now, `flow-batch.v1/1` as it was released first."""
    place = ("released", f"{name}.avsc") if "/" in name else (f"{name}.avsc",)
    return resources.files("topics").joinpath("schemas", *place).read_text(encoding="utf-8")


@functools.cache
def schema_json(name: str) -> dict[str, Any]:
    """Return a released schema as parsed JSON, with the attributes that Avro itself ignores."""
    parsed: dict[str, Any] = json.loads(schema_text(name))
    return parsed


@functools.cache
def flow_record_json() -> dict[str, Any]:
    """Return the FlowRecord schema out of the batch schema that carries it."""
    records = next(f for f in schema_json(FLOW_BATCH)["fields"] if f["name"] == "records")
    record: dict[str, Any] = records["type"]["items"]
    return record


def _field(spec: dict[str, Any], sizes: dict[str, int]) -> Field:
    kind, symbols, store = spec["type"], (), spec.get("store", "")
    if isinstance(kind, dict):
        symbols = tuple(kind.get("symbols", ()))
        if kind["type"] == "fixed":
            sizes[kind["name"]] = kind["size"]
            kind = kind["name"]
        else:
            kind = kind["type"]
    if kind in sizes:
        kind, store = "fixed", f"S{sizes[kind]}"
    return Field(
        spec["name"], kind, store, spec["merge"], spec["doc"], spec.get("unit", ""), spec.get("ra", ""), symbols
    )


@functools.cache
def flow_fields() -> tuple[Field, ...]:
    """Return the fields of FlowRecord in the order of the schema."""
    sizes: dict[str, int] = {}
    return tuple(_field(spec, sizes) for spec in flow_record_json()["fields"])


def swapped(name: str) -> str:
    """Return the field that holds the same fact of the other direction; the name itself where there is none."""
    if name.startswith("src_"):
        return "dst_" + name[4:]
    if name.startswith("dst_"):
        return "src_" + name[4:]
    return name
