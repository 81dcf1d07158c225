"""What real exporters send of a capture, read by our collector and by nfcapd and nfdump: sums have to be the same."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.kafka.ports import free_port
from probes.exporters.status import counts_of
from sinks.ipfix import Exporting
from tests.probes.exporters.collected import collected, collector
from tests.probes.exporters.test_collector import counts
from tests.sinks.ipfix.test_export import batch
from tests.traffic.exports import SENT
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from tests.waiting import wait_until
from topics.batch import packets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DEADLINE = 90
QUIET = 2.0
PMACCT = """daemonize: false
pcap_savefile: {capture}
plugins: nfprobe[a]
aggregate[a]: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags
nfprobe_receiver[a]: 127.0.0.1:{port}
nfprobe_version[a]: {version}
nfprobe_timeouts[a]: expint=1:tcp=10:udp=10:icmp=10:general=10:maxlife=10
"""
SUMMARY = re.compile(r"total flows: (\d+), total bytes: (\d+), total packets: (\d+)")


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"needs {name}: apt-get install {package}")
    return found


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exporters") / "sample.pcap"
    write_pcap(path, sample_frames(1))
    return path


def sent_by(command: Callable[[int], list[str]]) -> list[bytes]:
    """Return the datagrams that a program sends to a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(0.2)
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(command(heard.getsockname()[1]), stdout=nowhere, stderr=nowhere) as process:
            try:
                return list(_heard(heard, process))
            finally:
                process.kill()


def _heard(heard: socket.socket, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield datagrams until the program has ended, or was quiet after some came."""
    end, last = time.monotonic() + DEADLINE, 0.0
    while time.monotonic() < end:
        try:
            yield heard.recv(65536)
            last = time.monotonic()
        except TimeoutError:
            if process.poll() is not None or (last and time.monotonic() - last > 5 * QUIET):
                return


def _waiting(port: int) -> bool:
    """Say whether a UDP socket has something that was not read."""
    lines = Path("/proc/net/udp").read_text(encoding="utf-8").splitlines()[1:]
    queues = [line.split()[4] for line in lines if line.split()[1].endswith(f":{port:04X}")]
    return any(int(each.partition(":")[2], 16) for each in queues)


def by_nfdump(datagrams: Iterable[bytes], directory: Path) -> tuple[int, int, int]:
    """Return flows, bytes and packets as nfcapd and nfdump have them."""
    nfcapd, nfdump = program("nfcapd", "nfdump"), program("nfdump", "nfdump")
    port = free_port()
    kept, told = directory / "kept", directory / "nfcapd.log"
    kept.mkdir()
    with told.open("w") as log:
        command = [nfcapd, "-p", str(port), "-b", "127.0.0.1", "-w", str(kept), "-t", "3600", "-B", "8000000"]
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            wait_until(lambda: "Startup" in told.read_text())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                for datagram in datagrams:
                    out.sendto(datagram, ("127.0.0.1", port))
            wait_until(lambda: not _waiting(port))
            process.send_signal(signal.SIGTERM)
    listed = subprocess.run([nfdump, "-R", str(kept), "-N", "-n", "1"], capture_output=True, text=True, check=True)
    found = SUMMARY.search(listed.stdout)
    assert found, listed.stdout
    return int(found[1]), int(found[2]), int(found[3])


def compare(datagrams: list[bytes], directory: Path) -> None:
    one = collector()
    found = collected(datagrams, one)
    told, known = next(iter(one.told.values())), counts(one)
    size = sum(int(found.records[f"{side}_bytes"].sum()) for side in ("src", "dst"))
    flows, octets, packets = by_nfdump(datagrams, directory)
    assert (told.rows, told.bytes, told.packets) == (flows, octets, packets)
    assert (size, packets_of(found.records)) == (octets, packets)
    assert len(found) < 0.7 * flows
    assert packets > 3000
    lies = {
        "malformed",
        "malformed_templates",
        "not_understood",
        "sets_without_template",
        "lost_records",
        "lost_datagrams",
    }
    assert not {name for name in lies if known.get(name)}


@pytest.mark.parametrize("version", [5, 9, 10])
def test_softflowd(version: int, capture: Path, tmp_path: Path) -> None:
    softflowd = program("softflowd", "softflowd")
    compare(
        sent_by(lambda port: [softflowd, "-r", str(capture), "-n", f"127.0.0.1:{port}", "-D", "-v", str(version)]),
        tmp_path,
    )


@pytest.mark.parametrize("version", [9, 10])
def test_pmacct(version: int, capture: Path, tmp_path: Path) -> None:
    pmacctd, settings = program("pmacctd", "pmacct"), tmp_path / "pmacct.conf"

    def command(port: int) -> list[str]:
        settings.write_text(PMACCT.format(capture=capture, port=port, version=version))
        return [pmacctd, "-f", str(settings)]

    compare(sent_by(command), tmp_path)


def test_sampled_biflows_of_softflowd(capture: Path) -> None:
    softflowd = program("softflowd", "softflowd")
    options = ["-D", "-v", "10", "-b", "-s", "10"]
    one = collector()
    found = collected(sent_by(lambda port: [softflowd, "-r", str(capture), "-n", f"127.0.0.1:{port}", *options]), one)
    assert (found.records["src_packets"] % 10 == 0).all()
    assert one.pairing_counts()["paired"] == 0
    (exporter,) = one.exporters.values()
    assert counts_of(exporter)["option_records"]
    assert (found.records["dst_packets"] > 0).any()
    assert b"sampling=10" in found.heap.tobytes()


def test_what_we_export_is_what_nfcapd_reads(tmp_path: Path) -> None:
    sent = batch()
    size = sum(int(sent.records[f"{side}_bytes"].sum()) for side in ("src", "dst"))
    found = by_nfdump(Exporting(1, 1400, 0).messages(sent, SENT), tmp_path)
    assert found == (len(sent), size, packets_of(sent.records))
