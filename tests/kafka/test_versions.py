"""A rolling upgrade on a real Kafka: probes of three versions at once, a worker of ours, a reader of the one before."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from fastavro import parse_schema, schemaless_reader

from tests.kafka.test_schemas import announce, later, rewritten
from tests.kafka.test_worker import expected, messages
from tests.kafka.workers import flows_by_key
from tests.topics.batches import plain
from tests.topics.test_evolution import fingerprint_of, written
from topics import single_object
from topics.bus import create_topics
from topics.bus.snapshot import Snapshot
from topics.definitions import SCHEMAS
from topics.schema import FLOW_BATCH, revisions, schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.workers import Bench
    from topics.batch import FlowBatch

EARLIER = revisions(FLOW_BATCH)[0]


def by_the_version_before(batch: FlowBatch) -> bytes:
    schema = schema_json(EARLIER)
    return single_object.MARK + fingerprint_of(schema) + written(schema, plain(batch))


def read_by_the_version_before(url: str, values: list[bytes]) -> Iterator[Any]:
    """What a program reads that was built with the schema before ours, and looks up what it does not know."""
    ours = parse_schema(schema_json(EARLIER))
    texts: Snapshot[bytes] = Snapshot(url, SCHEMAS.name, lambda value: value)
    announced = {fingerprint_of(json.loads(text)): json.loads(text) for _, _, text in texts}
    for value in values:
        assert value.startswith(single_object.MARK)
        writer = announced[value[2 : single_object.HEADER]]
        yield schemaless_reader(io.BytesIO(value[single_object.HEADER :]), parse_schema(writer), ours)


def test_producers_and_consumers_of_neighbouring_versions_understand_each_other(bench: Bench) -> None:
    url = f"kafka://{bench.bootstrap}"
    create_topics(url, [SCHEMAS])
    tomorrow = later("rolling")
    announce(url, tomorrow)
    for number, batch in enumerate(messages()):
        if number % 12 == 0:
            bench.publish_bytes(by_the_version_before(batch), batch.partition)
        elif number % 12 == 6:
            bench.publish_bytes(rewritten(batch, tomorrow, "rolling"), batch.partition)
        else:
            bench.publish([batch])
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()
    assert not list(bench.read(bench.dead_letters))
    assert worker.stop() == 0

    theirs = list(read_by_the_version_before(url, [message.value() or b"" for message in bench.read(bench.output)]))
    known = {field["name"] for field in schema_json(EARLIER)["fields"]}
    assert all(set(batch) == known for batch in theirs)
    records = [record for batch in theirs for record in batch["records"]]
    assert {(record["flow_id"], record["status_sequence"]) for record in records} == expected().keys()
    assert sum(record["src_packets"] for record in records) == sum(
        int(batch.records["src_packets"].sum()) for batch in bench.flows()
    )
