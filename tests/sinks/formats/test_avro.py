from pathlib import Path
from typing import Any

import fastavro
import pytest

from sinks.formats import open_reader, open_writer
from tests.random_batches import random_batch, same, values
from topics.batch import concatenate
from topics.errors import InputError
from topics.schema import flow_fields


def records_of(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def test_any_avro_reader_finds_flat_records_with_the_names_of_their_observer(tmp_path: Path) -> None:
    path, batch = tmp_path / "x.avro", random_batch(1, 25)
    with open_writer(str(path)) as writer:
        writer.write(batch)
    found = records_of(path)
    assert list(found[0])[:4] == ["site", "probe", "interface", "flow_id"]
    assert [record["src_packets"] for record in found] == batch.records["src_packets"].tolist()
    assert [record["src_first"] for record in found] == batch.records["src_first"].tolist()
    assert [record["src_payload"] for record in found] == values(batch, "src_payload")
    assert [record["site"] for record in found] == [batch.observers[n].site for n in batch.records["observer"].tolist()]
    assert set(found[0]) == {field.name for field in flow_fields()} - {"observer"} | {"site", "probe", "interface"}


def rewritten(path: Path, field: str, kind: object, value: object) -> str:
    """The file with one field of another type."""
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        schema: Any = reader.writer_schema
        records: list[Any] = [{**record, field: value} for record in reader]  # type: ignore[dict-item]  # it is a record
    fields = [{**f, "type": kind} if f["name"] == field else f for f in schema["fields"]]
    with path.open("wb") as file:
        fastavro.writer(file, {**schema, "fields": fields}, records)
    return str(path)


@pytest.mark.parametrize(
    ("field", "kind", "value"),
    [("src_port", "string", "http"), ("src_port", "long", 70_000), ("cause", "string", "fun")],
)
def test_a_field_of_another_make_is_named(tmp_path: Path, field: str, kind: str, value: object) -> None:
    path = tmp_path / "x.avro"
    with open_writer(str(path)) as writer:
        writer.write(random_batch(1, 3))
    with pytest.raises(InputError, match=rf"x\.avro: column '{field}'"):
        list(open_reader(rewritten(path, field, kind, value)))


def test_more_records_than_are_read_at_once_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.formats.avro.READ_AT_ONCE", 7)
    path, batch = tmp_path / "x.avro", random_batch(2, 30)
    with open_writer(str(path)) as writer:
        writer.write(batch)
    same(concatenate(open_reader(str(path))), batch)
