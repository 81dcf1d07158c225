"""`argosy radium` and `probe --argus` under load for minutes, with the clients of Argus attached.

`python -m tests.argus_load --seconds 180 --rate 5000` pipes records at that rate into `argosy radium`, to which ra,
racluster, rabins and Debian's radium are attached, a client that takes nothing, `argosy probe --argus`, and one more of
these behind Debian's radium. At the end all of them have to have every packet, but for the one that was dropped; the
memory of ours has to stay as it was.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from deploy.kafka.ports import free_port
from sinks.formats import open_reader
from topics.argus import layout as at
from topics.batch import packets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).parent / "topics" / "argus" / "sample.argus"
PER_SECOND = 20  # writes
READY_SECONDS, END_SECONDS = 180.0, 120.0
START_RECORD = 128  # bytes of the management record that a file of Argus begins with
LOOK_SECONDS = 0.05
ARGOSY = (sys.executable, "-m", "clients.main")


@dataclass(slots=True)
class Result:
    """What came of it: records sent, packets in them, packets that each client had, memory of ours (kB) over time."""

    records: int = 0
    packets: int = 0
    seconds: float = 0.0
    had: dict[str, int] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    memory: dict[str, list[int]] = field(default_factory=dict)
    said: str = ""


class Clients:
    """The programs of one run, below one directory; all are ended with it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
        """Start one; its output goes to NAME.log."""
        own = command[: len(ARGOSY)] == ARGOSY
        environment = os.environ if own else os.environ | {"HOME": str(self.directory)}  # nobody's ~/.rarc
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=stdin or subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        self.running[name] = process
        return process

    def log(self, name: str) -> str:
        """Return what one printed."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def until(self, name: str, text: str, times: int = 1) -> None:
        """Wait until one says something so often; raises TimeoutError."""
        end = time.monotonic() + READY_SECONDS
        while self.log(name).count(text) < times:
            if time.monotonic() > end or self.running[name].poll() is not None:
                raise TimeoutError(f"{name} did not say '{text}':\n{self.log(name)}")
            time.sleep(LOOK_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def pieces(rate: int) -> Iterator[tuple[bytes, int]]:
    """Yield what is sent at each turn for ever: records of the sample, and how many they are."""
    data = SAMPLE.read_bytes()
    flows, place = [], 0
    while place < len(data):
        length = at.WORD * int.from_bytes(data[place + 2 : place + 4])
        if data[place] >> 4 == at.FLOW:
            flows.append(data[place : place + length])
        place += length
    each, next_one = max(1, rate // PER_SECOND), 0
    yield data[:START_RECORD], 0
    while True:
        chosen = [flows[(next_one + number) % len(flows)] for number in range(each)]
        next_one += each
        yield b"".join(chosen), each


def run(directory: Path, seconds: float, rate: int, suffix: str = ".parquet") -> Result:
    """Send records for so long, and see what everybody had; `suffix` says what the probes write."""
    result = Result()
    first, second = free_port(), free_port()
    here, there = f"127.0.0.1:{first}", f"127.0.0.1:{second}"
    with Clients(directory) as clients:
        radium = clients.start("argosy-radium", *ARGOSY, "radium", "-r", "-", "-P", str(first), stdin=subprocess.PIPE)
        clients.until("argosy-radium", "listening on")
        clients.start("radium", "radium", "-S", here, "-P", str(second), "-B", "127.0.0.1")
        clients.start("ra", "ra", "-S", here, "-w", str(directory / "ra.argus"))
        clients.start("racluster", "racluster", "-S", here, "-m", "proto", "-w", str(directory / "racluster.argus"))
        bins = ("-M", "time", "10s", "-m", "proto")
        clients.start("rabins", "rabins", "-S", here, *bins, "-w", str(directory / "rabins.argus"))
        for name, place in (("probe", here), ("probe-behind", there)):
            target = ("-w", str(directory / f"{name}{suffix}"), "--log-level", "info")
            clients.start(name, *ARGOSY, "probe", "--argus", place, *target)
        for name in ("probe", "probe-behind"):
            clients.until(name, "attached to")
        with socket.create_connection(("127.0.0.1", first)) as slow:
            slow.sendall(b"START: user='slow'")
            attached(first, 6)
            feed(radium, seconds, rate, clients, result)
            end(clients, result)
        result.said = clients.log("argosy-radium")
    for name in ("ra.argus", "racluster.argus", "rabins.argus", f"probe{suffix}", f"probe-behind{suffix}"):
        result.had[name] = sum(packets_of(batch.records) for batch in open_reader(str(directory / name)) if len(batch))
    return result


def attached(port: int, count: int) -> None:
    """Wait until so many connections to a port are established, and what they said was read."""
    end = time.monotonic() + READY_SECONDS
    wanted = f":{port:04X}"
    while True:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = [row for row in rows if row[1].endswith(wanted) and row[3] == "01"]
        if len(mine) >= count and not any(int(row[4].partition(":")[2], 16) for row in mine):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{len(mine)} clients of {count} came")
        time.sleep(LOOK_SECONDS)


def feed(radium: subprocess.Popen[bytes], seconds: float, rate: int, clients: Clients, result: Result) -> None:
    """Write records to a pipe at a steady rate, and note the memory of ours each second."""
    assert radium.stdin is not None
    begin = time.monotonic()
    for turn, (data, count) in enumerate(pieces(rate)):
        due = begin + turn / PER_SECOND
        if due > begin + seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        radium.stdin.write(data)
        radium.stdin.flush()
        result.records += count
        if turn % PER_SECOND == 0:
            for name in ("argosy-radium", "probe"):
                result.memory.setdefault(name, []).append(resident(clients.running[name].pid))
    result.seconds = time.monotonic() - begin
    result.packets = sent_packets(result.records)


def sent_packets(records: int) -> int:
    """Return how many packets so many records of the sample have."""
    sample = [int(count) for batch in open_reader(str(SAMPLE)) for count in _packets(batch.records)]
    rounds, rest = divmod(records, len(sample))
    return rounds * sum(sample) + sum(sample[:rest])


def _packets(records: object) -> list[int]:
    import numpy as np

    rows = np.asarray(records)
    return list(rows["src_packets"] + rows["dst_packets"])


def resident(process: int) -> int:
    """Return the memory of a process, kB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) if found else 0


def end(clients: Clients, result: Result) -> None:
    """Let the pipe end and everybody with it: first what hangs on ours, then what hangs on those."""
    radium = clients.running["argosy-radium"]
    assert radium.stdin is not None
    radium.stdin.close()
    result.status["argosy-radium"] = radium.wait(END_SECONDS)
    for name in ("ra", "racluster", "rabins"):
        result.status[name] = clients.running[name].wait(END_SECONDS)
    clients.until("probe", "away")
    clients.running["radium"].send_signal(signal.SIGTERM)
    result.status["radium"] = clients.running["radium"].wait(END_SECONDS)
    clients.until("probe-behind", "away")
    for name in ("probe", "probe-behind"):
        clients.running[name].send_signal(signal.SIGTERM)
        result.status[name] = clients.running[name].wait(END_SECONDS)


def main() -> int:
    """Run it and say what came of it; status 1 when somebody lacks something."""
    parser = argparse.ArgumentParser(prog="python -m tests.argus_load")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--rate", type=int, default=5000, help="records a second")
    parser.add_argument("--suffix", default=".parquet", help="of the files that the probes write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = run(Path(directory), options.seconds, options.rate, options.suffix)
    print(f"{result.records:,} records in {result.seconds:.1f} s, {result.packets:,} packets")
    for name, packets in result.had.items():
        print(f"  {name:<22} {packets:>12,} packets{'' if packets == result.packets else '  NOT ALL'}")
    for name, status in result.status.items():
        print(f"  {name:<22} ended with {status}")
    for name, memory in result.memory.items():
        parts = [memory[len(memory) * part // 4] for part in range(4)] + [memory[-1]]
        print(f"  {name:<22} memory {', '.join(f'{kilobytes / 1000:.0f}' for kilobytes in parts)} MB over the time")
    print(result.said)
    return int(any(packets != result.packets for packets in result.had.values()))


if __name__ == "__main__":
    sys.exit(main())
