"""How fast flow records of exporters come from a UDP socket to batches for the topic, beside nfcapd.

CPU seconds of the process that receives, with those of the system. Datagrams come on loopback from another process,
more slowly than they are taken, so that none is lost; nfcapd gets the same.
"""

from __future__ import annotations

import gc
import multiprocessing
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clients.main import COLLECT_AFTER
from probes.exporters.collector import Collector, CollectorSettings
from probes.exporters.listening import Listener
from probes.exporters.warm import warm_up
from tests.traffic.exports import SENT, flow_sample, ipfix, netflow9, one_set, record, sflow, template
from tests.traffic.packets import tcp_frame
from topics.codec import encode_batch
from topics.partitions import split

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDS, SAMPLES = 24, 6  # in a datagram
DISTINCT, DATAGRAMS = 2_000, 40_000
PER_SECOND = 8_000  # datagrams
PARTITIONS = 8
FIELDS = (
    *((8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2)),
    *((4, 1), (6, 1), (5, 1), (136, 1), (16, 4), (17, 4)),
)
NFCAPD = "nfcapd"


@dataclass(frozen=True, slots=True)
class Rate:
    """Records (or samples) per CPU second, how many came, and how many the kernel dropped."""

    rate: float
    taken: int
    dropped: int


def _flow(number: int) -> bytes:
    """Return one direction of a conversation; the next number is the other one."""
    flow, back = divmod(number, 2)
    ends = [struct.pack(">I", 0x0A000000 + flow % 50_000), struct.pack(">I", 0xC6336400 + flow % 97)]
    ports = [1024 + flow % 60_000, 443]
    if back:
        ends.reverse()
        ports.reverse()
    times = [90_000 + flow % 5_000 + 3 * back, 99_000]
    values: list[int | bytes | str] = [
        *ends,
        0,
        1 + back,
        2 - back,
        10 + flow % 90,
        1000 + flow % 9000,
        *times,
        *ports,
        6,
        0x1B,
        0,
        3,
        0,
        0,
    ]
    return record(FIELDS, values)


def netflow_datagrams(*, nine: bool) -> list[bytes]:
    """Return datagrams of NetFlow 9 or IPFIX, the template in the first one."""
    found = []
    for number in range(DISTINCT):
        body = one_set(256, b"".join(_flow(number * RECORDS + each) for each in range(RECORDS)))
        sets = [template(256, FIELDS, ipfix=not nine), body] if not number else [body]
        found.append(netflow9(sets, number) if nine else ipfix(sets, number * RECORDS, sent=SENT))
    return found


def sflow_datagrams() -> list[bytes]:
    """Return datagrams of sFlow."""
    found = []
    for number in range(DISTINCT):
        samples = []
        for each in range(SAMPLES):
            flow = number * SAMPLES + each
            source = f"10.{flow % 200}.{flow // 200 % 250}.7"
            samples.append(flow_sample(tcp_frame(source, "198.51.100.9", 1024 + flow % 60_000, 443, payload=bytes(80))))
        found.append(sflow(samples, sequence=number))
    return found


def _send(port: int, datagrams: Sequence[bytes], count: int) -> None:
    """Send so many datagrams, evenly; the first one, with the template, once more at each round."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        began = time.perf_counter()
        for number in range(count):
            if number % 40 == 0 and (ahead := number / PER_SECOND - (time.perf_counter() - began)) > 0:
                time.sleep(ahead)
            try:
                out.send(datagrams[number % len(datagrams)])
            except ConnectionRefusedError:
                continue


def measure(kind: str, datagrams: Sequence[bytes]) -> Rate:
    """Return what our collector needs for datagrams of `kind`: netflow or sflow."""
    gc.set_threshold(COLLECT_AFTER)  # as the command does
    warm_up()
    for round_of in (DISTINCT, DATAGRAMS):
        found = _collect(kind, datagrams, round_of)
    return found


def _collect(kind: str, datagrams: Sequence[bytes], count: int) -> Rate:
    collector = Collector(CollectorSettings(boot_id=1))
    listener = Listener(((kind, "127.0.0.1", 0),), collector)
    listener.open()
    sending = multiprocessing.get_context("spawn").Process(
        target=_send, args=(listener.ports[kind, "udp"], list(datagrams), count)
    )
    sending.start()
    encoded, began, quiet = 0, time.process_time(), time.monotonic()
    heard = 0
    while heard < count and time.monotonic() - quiet < 5:
        until = time.monotonic() + 0.1
        while not collector.work.full and (left := until - time.monotonic()) > 0:
            listener.poll(left)
        for batch in collector.decoded(time.time_ns()):
            for part in split(batch, PARTITIONS):
                encoded += len(encode_batch(part))
        now = sum(exporter.datagrams for exporter in collector.exporters.values())
        quiet = time.monotonic() if now != heard else quiet
        heard = now
    for batch in collector.finish():
        for part in split(batch, PARTITIONS) if len(batch) else ():
            encoded += len(encode_batch(part))
    cost = time.process_time() - began
    sending.join()
    listener.close()
    taken = sum(exporter.counts["records"] for exporter in collector.exporters.values())
    return Rate(taken / cost, taken, count - heard)


def measure_nfcapd(datagrams: Sequence[bytes], each: int) -> Rate | None:
    """Return what nfcapd needs for the same, None when it is not installed."""
    if shutil.which(NFCAPD) is None:
        return None
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [NFCAPD, "-p", str(port), "-b", "127.0.0.1", "-w", directory, "-t", "3600", "-B", "33554432"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(1)
            before = _cpu(process.pid)
            _send(port, datagrams, DATAGRAMS)
            time.sleep(2)
            cost = _cpu(process.pid) - before
            process.terminate()
        return Rate(DATAGRAMS * each / max(cost, 0.01), DATAGRAMS * each, 0)


def _cpu(number: int) -> float:
    """Return the CPU seconds of a process so far."""
    fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
