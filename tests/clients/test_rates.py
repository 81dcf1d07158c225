"""Interface counters beside captures: what `argosy raevent -M rates` and `argosy run` say of the mirror port."""

import json
from pathlib import Path

import pytest

from clients.main import main
from probes.events.parsing import parser
from sinks.formats.events import EventWriter
from tests.traffic.packets import udp_frame
from tests.traffic.pcap import write_pcap
from topics.events import EventRecord, encode_event

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
Text = pytest.CaptureFixture[str]


def counters(path: Path, *octets: int) -> str:
    """Events of a host whose eth1 had received so many octets, every ten seconds."""
    with EventWriter(str(path)) as writer:
        for number, count in enumerate(octets):
            text = f"  eth1: {count} {' '.join(['0'] * 15)}\n    lo: {' '.join(['0'] * 16)}\n"
            at = START + 10 * number * SECOND
            body = parser("netstat")(text)
            writer.write(encode_event(EventRecord("", "edge", 1, number, "netstat", "netstat", at, at, body=body)))
    return str(path)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """30 seconds of 1000 bytes every 10 ms on eth1, each packet twice in the last ten: 100 kB, 100 kB, 200 kB."""
    frames = [
        (START + 10_000_000 * number, udp_frame("10.0.0.1", "10.0.0.2", 9, number, bytes(958)))
        for number in range(3001)
    ]
    copies = [(time + 1000, frame) for time, frame in frames[2000:]]
    write_pcap(tmp_path / "span.pcap", sorted([*frames, *copies]))
    return tmp_path / "span.pcap"


def test_a_port_that_mirrors_everything_twice_shows(capture: Path, tmp_path: Path, capsys: Text) -> None:
    counters(Path(f"{capture}.events"), 0, 1_000_000, 2_000_000, 3_000_000)
    assert main(["run", "-r", str(capture), "--data", str(tmp_path / "data"), "-e", "edge", "--link", "eth1=-"]) == 0
    told = capsys.readouterr().out
    assert "eth1 on edge: doubled in 1 of 3 intervals, the probe saw 200 % of 1,000,000 bytes: everything" in told
    events, records = f"{capture}.events", str(tmp_path / "records.parquet")
    assert main(["probe", "-r", str(capture), "-w", records, "-e", "edge"]) == 0
    capsys.readouterr()
    words = ["raevent", "-r", events, "--flows", records, "--link", "eth1=-", "-M", "rates"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines if " eth1 " in line] == ["fine", "fine", "doubled"]
    assert main([*words, "json", "-", "name = eth1"]) == 0
    last = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]
    assert (last["in_bits_per_second"], last["counted_bytes"], last["verdict"]) == (800_000, 1_000_000, "doubled")


def test_a_probe_that_sees_nothing_of_a_busy_link_is_blind(capture: Path, tmp_path: Path, capsys: Text) -> None:
    events, records = counters(tmp_path / "a.events", 0, 10**7, 10**8), str(tmp_path / "records.parquet")
    assert main(["probe", "-r", str(capture), "-w", records, "-e", "edge"]) == 0
    capsys.readouterr()
    words = ["raevent", "-r", events, "--flows", records, "-M", "rates", "--link"]
    assert main([*words, "eth1=eth7"]) == 0
    assert "eth1: blind in 2 of 2 intervals, the probe saw 0 % of 100,000,000 bytes: nothing" in capsys.readouterr().out
    assert main([*words, "eth1"]) == 2
    assert capsys.readouterr().err == "argosy raevent: option --link takes [DEVICE:]INTERFACE=SEEN, not 'eth1'\n"
