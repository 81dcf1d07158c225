"""A probe on loopback with events beside its packets: connections of known processes and users, and who has them."""

from __future__ import annotations

import csv
import functools
import io
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from clients.main import main
from clients.sensor.rehearsal import rehearse
from probes.settings import Settings
from sinks.formats.events import read_events
from tests.clients.test_probe_process import running, status
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESSES, EACH, SHORT = 4, 60, 40
USERS = (0, 65534, 1, 2)
LEAST_RIGHT = 0.99
PLACES = ("sport", "sprocess", "spid", "sowner", "ssure", "dpid", "dsure")
# Become another user, connect to a port as often as asked, say which ports that took, stay until told to go.
CLIENT = """
import encodings.idna, os, socket, sys
uid, port, count = map(int, sys.argv[1:])
os.setgid(uid); os.setuid(uid)
held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
print(*(each.getsockname()[1] for each in held), flush=True)
sys.stdin.read()
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="capturing and other users take root")


class Client(NamedTuple):
    """A process that connects, its user and ports."""

    pid: int
    uid: int
    ports: tuple[int, ...]


class Observed(NamedTuple):
    """Flows by their source port, whose they were by our own knowledge, and the events of the probe."""

    flows: dict[int, dict[str, str]]
    clients: list[Client]
    short: list[int]
    events: list[Any]


def accept_for_ever(listener: socket.socket, held: list[socket.socket]) -> None:
    while True:
        try:
            held.append(listener.accept()[0])
        except OSError:
            return


@contextmanager
def clients(port: int) -> Iterator[list[Client]]:
    """Processes of several users, each with its connections."""
    command = [sys.executable, "-c", CLIENT]
    started = [
        subprocess.Popen(
            [*command, str(uid), str(port), str(EACH)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for uid in USERS[:PROCESSES]
    ]
    try:
        found = []
        for uid, process in zip(USERS, started, strict=True):
            assert process.stdout is not None
            found.append(Client(process.pid, uid, tuple(map(int, process.stdout.readline().split()))))
        yield found
    finally:
        for process in started:
            process.communicate()


def snapshots(path: Path) -> int:
    """How many events the probe has handed out, by its last status."""
    return max((each["output"].get("events", 0) for each in status(path)), default=0)


def after_new_snapshots(path: Path) -> None:
    """Wait until events were surely asked for after now: the next hand-outs may hold some from before."""
    for _ in range(3):
        wait_until(functools.partial(_grown, path, snapshots(path)))


def _grown(path: Path, before: int) -> bool:
    return snapshots(path) > before


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    directory = tmp_path_factory.mktemp("live")
    rehearse(Settings(outputs=({"to": "any.parquet"},)))  # compile what the probe needs, without a deadline
    records, log, settings = directory / "a.parquet", directory / "log", directory / "probe.yaml"
    beside, held, short = directory / "a.parquet.status.jsonl", list[socket.socket](), list[int]()
    settings.write_text("events:\n  - {kind: lsof, every: 0.2s}\n  - {kind: netstat, every: 1s}\n")
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        port = listener.getsockname()[1]
        words: list[str | Path] = [
            "-F",
            settings,
            "-i",
            "lo",
            "-w",
            records,
            "-S",
            "1",
            "-M",
            "0.2",
            "-D",
            "1",
            "--log",
            log,
        ]
        with running(*words, "-", f"tcp and port {port}") as probe:
            wait_until(lambda: log.exists() and "probe start" in log.read_text())
            threading.Thread(target=accept_for_ever, args=(listener, held), daemon=True).start()
            for _ in range(SHORT):
                with socket.create_connection(("127.0.0.1", port)) as brief:
                    short.append(brief.getsockname()[1])
            with clients(port) as made:
                after_new_snapshots(beside)
            for each in held:
                each.close()
            probe.terminate()
            assert probe.communicate(timeout=90)[1] == ""
            assert probe.returncode == 0
    events, merged, labelled = (str(directory / name) for name in ("a.parquet.events", "m.parquet", "l.parquet"))
    assert main(["racluster", "-r", str(records), "-w", merged]) == 0
    assert main(["ralabel", "--events", events, "-r", merged, "-w", labelled]) == 0
    command = [sys.executable, "-m", "clients.main", "ra", "-n", "-c", ",", "-r", labelled, "-s", *PLACES]
    rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    flows = {int(row["Sport"]): row for row in csv.DictReader(io.StringIO(rows))}
    return Observed(flows, made, short, list(read_events(events)))


def test_connections_that_outlive_an_interval_are_attributed_rightly(observed: Observed) -> None:
    from probes.events.processes import user_name

    truth = {port: client for client in observed.clients for port in client.ports}
    assert len(truth) == PROCESSES * EACH
    assert truth.keys() <= observed.flows.keys()
    named = {port: observed.flows[port] for port in truth}
    right = [
        port
        for port, row in named.items()
        if (row["SPid"], row["SOwner"], row["SSure"]) == (str(truth[port].pid), user_name(truth[port].uid), "exact")
    ]
    wrong = [port for port, row in named.items() if row["SPid"] not in ("", str(truth[port].pid))]
    assert wrong == []
    assert len(right) >= LEAST_RIGHT * len(truth)
    assert {row["DPid"] for row in named.values()} == {str(os.getpid())}


def test_short_ones_are_counted_and_never_guessed(observed: Observed) -> None:
    rows = [observed.flows[port] for port in observed.short]
    assert {row["SPid"] for row in rows} <= {"", str(os.getpid())}
    assert all((row["SSure"] == "unknown") == (row["SPid"] == "") for row in rows)
    assert {row["DPid"] for row in rows if row["DSure"] != "unknown"} <= {str(os.getpid())}
    bodies = [event.body for event in observed.events if event.kind == "lsof"]
    missed = [row for body in bodies for row in body["sockets"] if row["state"] == "DESTROYED" and not row["pid"]]
    told = {row["local_port"] for row in missed} & set(observed.short)
    assert told <= {port for port in observed.short if observed.flows[port]["SPid"] == ""}
    assert sum(body["unknown"] for body in bodies) >= len(told)


def test_events_have_the_name_and_run_of_the_probe_and_keep_their_schedules(observed: Observed) -> None:
    kinds = [event.kind for event in observed.events]
    assert kinds.count("lsof") > 3
    assert kinds.count("netstat") > 1
    assert len({(event.site, event.probe, event.boot_id) for event in observed.events}) == 1
    assert [event.sequence for event in observed.events] == list(range(len(observed.events)))
    assert {event.status for event in observed.events} == {"ok"}
    interfaces = [
        row["name"] for event in observed.events if event.kind == "netstat" for row in event.body["interfaces"]
    ]
    assert "lo" in interfaces
