"""`argosy probe --netflow` and its like: on captures of what exporters sent, and on sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.probes.exporters.collected import NOW, told
from tests.traffic.exports import SENT, USUAL, flow_sample, ipfix, netflow5, one_set, sflow, template, usual
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from topics.batch import concatenate, packets_of

if TYPE_CHECKING:
    from topics.batch import FlowBatch

A, B, ROUTER, COLLECTOR = "10.0.0.1", "10.0.0.2", "192.0.2.1", "192.0.2.200"
START = SENT * 1000
THERE = usual(A, B, (40000, 443), 10, 1000, START - 2000, START - 1000)
BACK = usual(B, A, (443, 40000), 8, 9000, START - 1990, START - 900)
MESSAGES = (ipfix([template(256, USUAL), one_set(256, THERE)]), ipfix([one_set(256, BACK)], 1))
DEADLINE = 60


def capture(path: Path) -> str:
    """Write a capture: IPFIX over UDP and TCP, NetFlow 5, sFlow, and what has nothing to do with it."""
    stream = b"".join(MESSAGES)
    frames = [udp_frame(ROUTER, COLLECTOR, 5000, 4739, message) for message in MESSAGES]
    frames += [udp_frame("192.0.2.2", COLLECTOR, 5000, 2055, netflow5([(A, B, 4000, 53, 17, 3, 300)]))]
    frames += [udp_frame("192.0.2.3", COLLECTOR, 5000, 6343, sflow([flow_sample(udp_frame(A, B, 4001, 53, b"x"))]))]
    frames += [udp_frame(A, B, 4000, 53, b"no export"), udp_frame(COLLECTOR, ROUTER, 4739, 5000, b"no answer")]
    frames += [tcp_frame("192.0.2.4", COLLECTOR, 5000, 4739, flags="S", sequence=99)]
    cuts = (0, 50, 51, len(stream))
    for begin, end in pairwise(cuts):
        piece = stream[begin:end]
        frames.append(tcp_frame("192.0.2.4", COLLECTOR, 5000, 4739, flags="PA", sequence=100 + begin, payload=piece))
    write_pcap(path, [(NOW + number * 1_000_000, frame) for number, frame in enumerate(frames)])
    return str(path)


def statuses(path: Path) -> dict[str, dict[str, Any]]:
    """Return the last status of each probe."""
    return {each["probe"]: each for each in map(json.loads, path.read_text().splitlines())}


def records(path: Path) -> FlowBatch:
    return concatenate(open_reader(str(path)))


LISTENING = ["--netflow", ":2055", "--ipfix", ":4739", "--sflow", ":6343"]


def test_a_capture_of_exporters_gives_their_records(tmp_path: Path) -> None:
    out = tmp_path / "records.parquet"
    assert main(["probe", "-X", "-e", "here", "-r", capture(tmp_path / "a.pcap"), *LISTENING, "-w", str(out)]) == 0
    batch = records(out)
    assert {observer.probe for observer in batch.observers.values()} == {ROUTER, "192.0.2.2", "192.0.2.4", "192.0.2.9"}
    assert sorted(each["packets"] for each in told(batch)) == [(3, 0), (10, 8), (10, 8), (100, 0)]
    said = statuses(Path(f"{out}.status.jsonl"))
    assert said[ROUTER]["cause"] == said["here"]["cause"] == "stop"
    assert said[ROUTER]["exporter"]["datagrams"] == 2
    assert sum(each["packets"] for each in said.values()) == packets_of(batch.records)
    assert all(each["packets"] == each["record_packets"] for each in said.values())


def test_the_same_capture_gives_the_same_records(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap")
    found = []
    for name in ("one.arrow", "two.arrow"):
        assert main(["probe", "-X", "-r", path, *LISTENING, "-w", str(tmp_path / name)]) == 0
        found.append(records(tmp_path / name).records["flow_id"].tobytes())
    assert found[0] == found[1]


def test_templates_are_known_after_a_restart(tmp_path: Path) -> None:
    state, counts = tmp_path / "state.json", []
    for number, message in enumerate(MESSAGES):
        path, out = tmp_path / f"{number}.pcap", tmp_path / f"{number}.arrow"
        write_pcap(path, [(NOW, udp_frame(ROUTER, COLLECTOR, 5000, 4739, message))])
        options = ["--ipfix", ":4739", "--exporter-state", str(state), "--exporters", "192.0.2.0/24"]
        assert main(["probe", "-X", "-r", str(path), *options, "-w", str(out)]) == 0
        counts.append([each["packets"] for each in told(records(out))])
    assert counts == [[(10, 0)], [(8, 0)]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--netflow", "nowhere"], "option --netflow"),
        (["--exporters", "10.0.0.300", "--netflow", ":1"], "option --exporters should be addresses or networks"),
        (["--netflow", ":1", "-i", "lo"], "option -i: packets and the flow records of others"),
        (["--netflow", ":1"], "say where records go"),
    ],
)
def test_what_is_wrong_is_named(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = [] if "say where" in message else ["-w", "never.arrow"]
    assert main(["probe", "-X", *words, *output]) == 2
    assert message in capsys.readouterr().err


def test_it_listens_until_it_is_told_to_stop(tmp_path: Path) -> None:
    out = tmp_path / "live.arrow"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "clients.main", "probe", "-X", "-M", "0.1", "--netflow", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "-w", str(out)], stderr=subprocess.PIPE, text=True) as process:
        status, end = Path(f"{out}.status.jsonl"), time.monotonic() + DEADLINE
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exporter:
                while time.monotonic() < end and '"records": 2' not in (status.read_text() if status.exists() else ""):
                    if not status.exists() or '"datagrams": 2' not in status.read_text():
                        for message in MESSAGES:
                            exporter.sendto(message, ("127.0.0.1", port))
                    time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, errors
    batch = records(out)
    assert (10, 8) in [each["packets"] for each in told(batch)]
    assert packets_of(batch.records) == statuses(status)["127.0.0.1"]["record_packets"]
