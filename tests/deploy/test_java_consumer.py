"""The consumer in Java, built as docs/guides/consumers.md says: what it prints is what was put on a real Kafka."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from deploy.kafka.jars import jar_directory, java_command
from tests.clients.flows import TAP, ten
from tests.sinks.alerts.servers import ALERT
from tests.topics.batches import plain
from tests.topics.test_evolution import fingerprint_of, with_more, written
from topics import single_object
from topics.alerts import encode_alert
from topics.bus import create_topics, encode_message
from topics.codec import encode_batch
from topics.definitions import ALERTS, FLOWS, SCHEMAS
from topics.errors import ServerError
from topics.schema import FLOW_BATCH, schema_json, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import FlowBatch

SOURCES = Path(__file__).parents[2] / "deploy" / "consumers" / "java"
SCHEMA_FILES = Path(__file__).parents[2] / "topics" / "schemas"
COMPILER_INSTALL = "apt-get install default-jdk-headless"
ID = 7


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the consumer, compiled."""
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip(f"no Java compiler; install it with: {COMPILER_INSTALL}")
    try:
        java, jars = java_command(), jar_directory(SOURCES / "pom.xml")
    except ServerError as error:
        pytest.skip(str(error))
    classes = tmp_path_factory.mktemp("classes")
    files = [str(path) for path in sorted(SOURCES.glob("*.java"))]
    subprocess.run([compiler, "-Xlint:all", "-Werror", "-cp", f"{jars}/*", "-d", str(classes), *files], check=True)
    return [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{classes}:{jars}/*", "Consumer"]


@pytest.fixture
def registry() -> Iterator[str]:
    """A schema registry that knows one schema."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == f"/schemas/ids/{ID}"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"schema": schema_text(FLOW_BATCH)}).encode() if known else b"{}")

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def flows(number: int) -> FlowBatch:
    """Ten records of a flow id of their own each, one of IPv6."""
    batch = ten()
    for row in range(len(batch)):
        batch.records["flow_id"][row] = list(bytes([number, row]) + bytes(14))
    batch.records["ethertype"][4] = 0x86DD
    batch.records["src_address"][4] = list(ip_address("2001:db8::5").packed)
    return batch


def of_schema(schema: dict[str, Any], batch: FlowBatch) -> bytes:
    """A message by a writer of another version."""
    more = {"later": 7, "note": "of tomorrow"}
    value = plain(batch) | more
    value["records"] = [record | more for record in value["records"]]
    value["observers"] = [observer | more for observer in value["observers"]]
    return single_object.MARK + fingerprint_of(schema) + written(schema, value)


def lines_of(batch: FlowBatch) -> list[str]:
    lines = []
    for record in batch.records:
        addresses = [ip_address(record[f"{side}_address"].tobytes()) for side in ("src", "dst")]
        texts = [str(getattr(each, "ipv4_mapped", None) or each.exploded) for each in addresses]
        fields = [
            *("flow", "2023-11-14T22:13:20Z", f"{TAP.site}/{TAP.probe}", record["protocol"]),
            *(_short(texts[0]), record["src_port"], _short(texts[1]), record["dst_port"]),
            *(record["src_packets"] + record["dst_packets"], record["src_bytes"] + record["dst_bytes"]),
            record["flow_id"].tobytes().hex(),
        ]
        lines.append("\t".join(map(str, fields)))
    return lines


def _short(address: str) -> str:
    """An address as Java writes it: zeros at the front left out, never a `::`."""
    return ":".join(f"{int(part, 16):x}" for part in address.split(":")) if ":" in address else address


def test_a_consumer_written_from_the_schemas_alone_reads_alerts_and_flows(
    program: list[str], registry: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    topics = [dataclasses.replace(topic, name=topic_prefix + topic.name) for topic in (FLOWS, ALERTS)]
    create_topics(f"kafka://{kafka_bootstrap}", [*topics, SCHEMAS], partitions=1)
    earlier, later = schema_json(f"{FLOW_BATCH}/1"), with_more(schema_json(FLOW_BATCH))
    batches = [flows(number) for number in range(5)]
    messages = [
        encode_message(batches[0]),
        encode_message(batches[0]),  # as a link or a spool brings it twice
        b"\0" + ID.to_bytes(4, "big") + encode_batch(batches[1]),
        b"\0" + (ID + 1).to_bytes(4, "big") + encode_batch(batches[1]),
        b"no message of ours",
        encode_message(batches[2])[:300],
        of_schema(earlier, batches[2]),
        of_schema(later, batches[3]),
        encode_message(batches[4]),
    ]
    resolved = dataclasses.replace(ALERT, revision=1, state="resolved", summary="über, «zu Ende»")
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True})
    for schema in (earlier, later):
        producer.produce(SCHEMAS.name, json.dumps(schema), fingerprint_of(schema), partition=0)
    for message in messages:
        producer.produce(topics[0].name, message)
    for alert in (ALERT, ALERT, resolved):
        producer.produce(topics[1].name, encode_alert(alert))
    assert producer.flush(60) == 0

    expected = [line for batch in batches for line in lines_of(batch)]
    subject = "saddr=10.0.0.66,daddr=10.0.0.30"
    told = f"high\traised\tvertical-scan\t{subject}\t97\t{ALERT.summary}"
    expected.append(f"alert\t2026-03-10T09:00:00Z\t{told}")
    expected.append(f"alert\t2026-03-10T09:00:00Z\thigh\tresolved\tvertical-scan\t{subject}\t97\t{resolved.summary}")
    command = [*program, kafka_bootstrap, *(topic.name for topic in topics), "--schemas", str(SCHEMA_FILES)]
    with subprocess.Popen(
        [*command, "--registry", registry], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        printed: list[str] = []
        while not {expected[-1], expected[-3]} <= set(printed):
            line = process.stdout.readline()
            assert line, f"it ended: {process.stderr.read() if process.stderr else ''}"
            printed.append(line.rstrip("\n"))
        process.terminate()
        refused = process.stderr.read().splitlines() if process.stderr else []
    assert sorted(printed) == sorted(expected)
    assert [line.split(": ")[0].rsplit(" ", 1)[1] for line in refused] == ["3", "4", "5"]
