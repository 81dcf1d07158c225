"""The probe as a process: signals, reload, the background, rights given up, metrics."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.main import main
from clients.sensor.rehearsal import rehearse
from probes.settings import Settings
from sinks.formats import open_reader
from sinks.formats.control import read_control
from tests.metrics_served import scraped, undeclared
from tests.probes.observed import CLIENT, SERVER
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import pcap_bytes, write_pcap
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 90.0
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
CAP_NET_RAW = 1 << 13
NOBODY = 65534
FILE_HEADER = 24
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving rights up takes root")


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile what probes need, once and without a deadline."""
    rehearse(Settings(outputs=({"to": "any.parquet", "filter": "udp"},), control=True))


def capture(count: int, begin: int = 0) -> bytes:
    """A pcap with a datagram a second, each a flow of its own."""
    frames = ((START + place * SECOND, udp_frame(CLIENT, SERVER, 1024 + place, 9, b"x")) for place in range(count))
    return pcap_bytes(list(frames)[begin:])


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "clients.main", "probe", "-X", *map(str, arguments)]


@contextmanager
def running(*arguments: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A probe that is killed at the end if it did not end by itself."""
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    errors = process.communicate(timeout=DEADLINE)[1]
    return process.returncode, errors


def records(path: Path) -> int:
    return sum(map(len, open_reader(str(path))))


def status(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_signal_flushes_all_flows_of_a_file_that_is_followed(tmp_path: Path) -> None:
    source, target = tmp_path / "growing.pcap", tmp_path / "records.arrow"
    beside = tmp_path / "records.arrow.status.jsonl"
    source.write_bytes(capture(5))
    with running("-f", "-r", source, "-w", target, "-M", "0.1") as process:
        wait_until(lambda: any(each["packets"] == 5 for each in status(beside)))
        with source.open("ab") as file:
            file.write(capture(8, begin=5)[FILE_HEADER:])
        wait_until(lambda: any(each["packets"] == 8 for each in status(beside)))
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "")
    assert records(target) == 8
    last = status(beside)[-1]
    assert (last["cause"], last["packets"], last["record_packets"], last["flows"]) == ("stop", 8, 8, 8)


def test_a_signal_ends_reading_a_pipe(tmp_path: Path) -> None:
    pipe, target = tmp_path / "pipe", tmp_path / "records.parquet"
    log = tmp_path / "log"
    os.mkfifo(pipe)
    with running("-r", pipe, "-w", target, "-D", "1", "--log", log) as process, pipe.open("wb") as writing:
        writing.write(capture(3))
        writing.flush()
        wait_until(lambda: log.exists() and "probe start" in log.read_text())
        process.send_signal(signal.SIGINT)
        assert ended(process) == (0, "")
    assert records(target) == 3


def test_hanging_up_reads_the_settings_again(tmp_path: Path) -> None:
    source, target, settings = tmp_path / "a.pcap", tmp_path / "records.arrow", tmp_path / "probe.yaml"
    beside, log = tmp_path / "records.arrow.status.jsonl", tmp_path / "log"
    source.write_bytes(capture(2))
    settings.write_text(f"probe_status_interval: 3600\nlog_level: info\nlog: {log}\n")

    def logged(text: str) -> bool:
        return log.exists() and text in log.read_text()

    with running("-F", settings, "-f", "-r", source, "-w", target) as process:
        wait_until(lambda: logged("probe start"))
        settings.write_text(f"probe_status_interval: 0.1\nlog_level: info\nlog: {log}\nsite: elsewhere\n")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: logged("settings reloaded"))
        assert logged('event="settings that take a restart were left as they are" keys=site')
        assert logged("changed=probe_status_interval")
        settings.write_text("status_interval: never\n")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: logged("settings not reloaded"))
        assert logged("key 'status_interval' should be a valid number")
        settings.write_text(f"probe_status_interval: 0.1\nlog_level: info\nlog: {log}\n")
        log.rename(tmp_path / "log.1")
        process.send_signal(signal.SIGHUP)
        wait_until(log.exists)
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "")
    assert {each["probe_status_interval"] for each in status(beside)} == {3600 * SECOND, SECOND // 10}
    assert {each["site"] for each in status(beside)} == {""}
    first, last = status(beside)[0], status(beside)[-1]
    assert first["configuration"] != last["configuration"]


def test_metrics_are_served_and_agree_with_the_status(tmp_path: Path) -> None:
    source, target, log = tmp_path / "a.pcap", tmp_path / "records.arrow", tmp_path / "log"
    beside = tmp_path / "records.arrow.status.jsonl"
    source.write_bytes(capture(7))
    options = ("-f", "-r", source, "-w", target, "--metrics", ":0", "-M", "0.1", "-D", "1", "--log", log)
    with running(*options, "--site", "berlin", "-e", "edge") as process:
        wait_until(lambda: any(each["packets"] == 7 for each in status(beside)))
        (port,) = re.findall(r"metrics served.*port=(\d+)", log.read_text())
        text, ready = (scraped(int(port), name) for name in ("metrics", "readyz"))
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    assert 'argosy_probe_packets_total{interface=""} 7.0' in text
    assert "argosy_probe_flows_total 7.0" in text
    assert "argosy_probe_active_flows" in text
    assert re.search(r'argosy_probe_info\{.*probe="edge",site="berlin".*\} 1.0', text)
    assert json.loads(ready)["status"] == "ok"
    assert undeclared(text, "probe") == set()


def privileges(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities_of_threads(process: int) -> set[int]:
    return {
        int(privileges(int(task.name))["CapEff"], 16) | int(privileges(int(task.name))["CapPrm"], 16)
        for task in Path(f"/proc/{process}/task").iterdir()
    }


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that all users can reach: any run of pytest that begins closes the one that its own lie in."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)
        yield directory


@needs_root
@pytest.mark.parametrize("live", [True, False])
def test_rights_are_given_up_but_for_listening(open_directory: Path, live: bool) -> None:
    source, target, pid = open_directory / "a.pcap", open_directory / "records.arrow", open_directory / "pid"
    source.write_bytes(capture(3))
    source.chmod(0o644)
    wanted = ("-i", "lo") if live else ("-f", "-r", source)
    beside = open_directory / "records.arrow.status.jsonl"
    with running(*wanted, "-w", target, "-u", "nobody", "--pid", pid) as process:
        wait_until(lambda: status(beside), process=process)
        found = privileges(process.pid)
        assert found["Uid"].split() == [str(NOBODY)] * 4
        assert found["Gid"].split() == [str(NOBODY)] * 4
        assert found["Groups"].split() == [str(NOBODY)]
        kept = CAP_NET_RAW if live else 0
        assert (int(found["CapEff"], 16), int(found["CapPrm"], 16), int(found["CapBnd"], 16)) == (kept, kept, kept)
        assert (int(found["CapInh"], 16), int(found["CapAmb"], 16), found["NoNewPrivs"]) == (0, 0, "1")
        assert capabilities_of_threads(process.pid) <= {0, kept}
        assert pid.read_text() == f"{process.pid}\n"
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    assert target.stat().st_uid == NOBODY
    assert not pid.exists()


@needs_root
def test_everything_works_in_a_directory_without_python(tmp_path: Path) -> None:
    jail = tmp_path / "jail"
    jail.mkdir()
    jail.chmod(0o777)
    frames = [(START, tcp_frame(CLIENT, SERVER, 1, 53, sequence=1, payload=b"query"))]
    write_pcap(jail / "a.pcap", [*frames, (START, udp_frame(CLIENT, SERVER, 1, 9, b"x"))])
    options = ("-c", jail, "-u", "nobody", "-C", "-r", jail / "a.pcap", "-w", "/udp.parquet", "udp", "-w", "/all.avro")
    done = subprocess.run(command(*options), capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (records(jail / "udp.parquet"), records(jail / "all.avro")) == (1, 2)
    (batch, _) = read_control(str(jail / "udp.parquet.control.avro"))
    assert batch.payload(0) == b"query"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-u", "no-such-user"), "key 'user' names 'no-such-user', who does not exist"),
        (("-u", "0", "-g", "no-such-group"), "key 'group' names 'no-such-group', which does not exist"),
        (("-g", "0"), "key 'group' needs a 'user' too"),
        (("-c", "/no/such/place"), "key 'chroot' names '/no/such/place': No such file or directory"),
        (("--metrics", "192.0.2.1:1"), "option --metrics names '192.0.2.1:1': Cannot assign requested address"),
        (("--pid", "/no/such/place/pid"), "/no/such/place/pid: No such file or directory"),
        (("--status", "/no/such/place/status"), "/no/such/place/status: No such file or directory"),
        (
            ("-d", "-w", "-"),
            "option -d: there is no standard input and output in the background; name files instead of -",
        ),
        (("--log", "/no/such/place/log"), "/no/such/place/log: No such file or directory"),
    ],
)
def test_what_cannot_be_had_is_named(
    tmp_path: Path, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "a.pcap", tmp_path / "records.arrow"
    source.write_bytes(capture(1))
    assert main(["probe", "-X", *options, "-r", str(source), "-w", str(target)]) in {1, 2}
    assert capsys.readouterr().err == f"argosy probe: {message}\n"
    assert not target.exists()


def test_in_the_background_errors_are_told_before_and_the_pid_file_is_held(tmp_path: Path) -> None:
    source, target = tmp_path / "growing.pcap", tmp_path / "records.arrow"
    pid, log = tmp_path / "pid", tmp_path / "log"
    source.write_bytes(capture(3))
    wrong = command("-d", "-r", source, "-w", tmp_path / "no" / "place.arrow")
    done = subprocess.run(wrong, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    options = ("-d", "-f", "-r", source, "--pid", pid, "--log", log, "-D", "1")
    right = command(*options, "-w", target)
    done = subprocess.run(right, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    daemon = int(pid.read_text())
    try:
        assert privileges(daemon)["Name"]
        second = command(*options, "-w", tmp_path / "other.arrow")
        done = subprocess.run(second, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert (done.returncode, done.stderr) == (
            1,
            f"argosy probe: {pid}: held by process {daemon}, which still runs\n",
        )
        wait_until(lambda: "probe start" in log.read_text())
    finally:
        os.kill(daemon, signal.SIGTERM)
    wait_until(lambda: not pid.exists())
    assert records(target) == 3
