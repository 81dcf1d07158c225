"""Sources at work side by side: one that hangs, floods or fails harms no other, and says so itself."""

import json
import time
from itertools import pairwise
from pathlib import Path

from probes.events.runner import EventRunner
from probes.events.settings import EventSource, event_source
from topics.events import EventRecord, decode_event


def sources(*values: object) -> list[EventSource]:
    return [EventSource.model_validate(event_source(value)) for value in values]


def told(*values: object) -> list[EventRecord]:
    """What sources that are asked once tell."""
    with EventRunner(sources(*values), site="s", probe="p", boot_id=5) as runner:
        end = time.monotonic() + 90
        while not runner.is_over and time.monotonic() < end:
            runner.told.wait(0.05)
    found = runner.take()
    assert [decode_event(message) for _, message in found] == [event for event, _ in found]
    return [event for event, _ in found]


def test_each_way_to_misbehave_is_reported_and_others_go_on() -> None:
    events = told(
        {"name": "hangs", "program": ["/bin/sleep", "1000"], "timeout": 0.5, "every": 0},
        {"name": "floods", "shell": "yes", "every": 0},
        {"name": "line", "shell": "head -c 100000000 /dev/zero | tr '\\0' x", "every": 0, "compress": True},
        {"name": "fails", "shell": "echo oops >&2; exit 7", "every": 0},
        {"name": "absent", "program": "/nonexistent", "every": 0},
        {"name": "binary", "shell": "head -c 2000 /dev/urandom", "every": 0},
        {"name": "bomb", "shell": 'echo \'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "b">]><a>&a;</a>\'', "every": 0},
        {"name": "wrong", "kind": "vmstat", "program": ["/bin/echo", "nothing"], "every": 0},
        {"name": "good", "kind": "load", "every": 0},
    )
    found = {event.source: event for event in events}
    assert {name: event.status for name, event in found.items()} == {
        "hangs": "timeout", "floods": "flooded", "line": "flooded", "fails": "failed", "absent": "failed",
        "binary": "ok", "bomb": "unreadable", "wrong": "unreadable", "good": "ok",
    }  # fmt: skip
    assert (found["fails"].exit_status, found["fails"].errors) == (7, "oops\n")
    assert (found["binary"].body or {})["format"] == "binary"
    assert found["line"].compression == "zlib"
    assert len(found["line"].plain_output) == 512 * 1024
    assert found["wrong"].text == "nothing\n"
    assert sorted(event.sequence for event in events) == list(range(len(events)))


def test_a_source_is_asked_again_and_never_while_it_is_busy(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/lock || echo overlap; sleep 0.25; rmdir {tmp_path}/lock; echo turn"
    events: list[EventRecord] = []
    with EventRunner(sources({"shell": script, "every": 0.1, "jitter": 0}), site="", probe="p", boot_id=1) as runner:
        end = time.monotonic() + 60
        while len(events) < 3 and time.monotonic() < end:
            runner.told.wait(0.05)
            events += [event for event, _ in runner.take()]
    assert [event.text for event in events[:3]] == ["turn\n"] * 3
    assert events[1].missed >= 1
    assert all(after.started >= before.ended for before, after in pairwise(events))


def test_stopping_does_not_wait_for_a_source_that_hangs() -> None:
    with EventRunner(sources("prog:/bin/sleep 1000:1m"), site="", probe="p", boot_id=1) as runner:
        time.sleep(0)
    assert all(event.status in ("timeout", "failed") for event, _ in runner.take())


def test_what_nobody_takes_is_dropped_and_counted(monkeypatch: object) -> None:
    runner = EventRunner(sources("load"), site="", probe="p", boot_id=1)
    event = EventRecord("", "p", 1, 0, "x", "generic", 0, 0, output=bytes(500_000))
    for _ in range(200):
        runner._queue(event)
    assert runner.dropped > 0
    kept = [each.sequence for each, _ in runner.take()]
    assert len(kept) + runner.dropped == 200
    runner.stop()


def test_alerts_are_taken_from_a_log_as_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "eve.json"
    log.write_text("")
    line = {"event_type": "alert", "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2", "src_port": 1, "dest_port": 2,
            "proto": "UDP", "alert": {"signature_id": 5}}  # fmt: skip
    source = {"kind": "ids", "follow": str(log), "every": 0.1}
    alerts: list[object] = []
    with EventRunner(sources(source), site="", probe="p", boot_id=1) as runner:
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        end = time.monotonic() + 60
        while not alerts and time.monotonic() < end:
            runner.told.wait(0.05)
            alerts += [row for event, _ in runner.take() for row in (event.body or {})["alerts"]]
    assert len(alerts) == 1
