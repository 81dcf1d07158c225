"""Events through a real Kafka, from a source to typed tables and files."""

import json
from pathlib import Path

import duckdb
import pytest

from clients.main import main
from sinks.formats.events import read_events
from topics.bus import create_topics
from topics.definitions import TopicDefinition


def test_events_go_through_the_bus_and_are_kept_once(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, topic, letters = f"kafka://{kafka_bootstrap}", f"{topic_prefix}events", f"{topic_prefix}letters"
    create_topics(url, [TopicDefinition(name, "", "", 1, partitions=2) for name in (topic, letters)], replication=1)
    sources = ["file:/proc/loadavg:0", "prog:/bin/echo said:0", "file:/proc/vmstat:0"]
    words = ["-w", url, "--events-topic", topic, "-e", "edge"]
    assert main(["events", *sources, *words, "--spool", str(tmp_path / "spool")]) == 0
    database = tmp_path / "events.duckdb"
    kept = ["--bus", url, "--topic", topic, "--dead-letters", letters, "--until-idle", "2s"]
    for group in ("one", "two"):  # the second has everything come again
        assert main(["sink", "events", *kept, "--url", str(database), "--group", topic_prefix + group]) == 0
    assert main(["sink", "events", *kept, "--data", str(tmp_path / "kept"), "--group", topic_prefix + "three"]) == 0
    found = [event for path in (tmp_path / "kept").rglob("*.events") for event in read_events(str(path))]
    assert {event.kind for event in found} == {"load", "generic", "vmstat"}
    assert [event.sequence for event in found] == list(range(len(found)))
    with duckdb.connect(str(database)) as tables:
        assert tables.execute("SELECT count(*) FROM events").fetchone() == (len(found),)
        assert tables.execute("SELECT output FROM events WHERE kind = 'generic'").fetchall() == [("said\n",)]
    capsys.readouterr()
    assert main(["raevent", "-S", f"{url}/{topic}", "-T", "4", "--kind", "generic", "-M", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == "said\n"
