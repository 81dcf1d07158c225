"""Live capture over a pair of namespaces: what was sent, what the probe counted, and what that cost it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.probes.live.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Sent = tuple[int, float]
"""Packets, and packets a second."""
SENT = re.compile(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds")
PATIENCE = 100


@dataclass(frozen=True, slots=True)
class Replayed:
    """Packets sent, counted, in records, and dropped by the kernel; packets sent a second.

    `cpu`: CPU seconds of the probe from when it was ready.
    """

    sent: int
    counted: int
    recorded: int
    dropped: int
    rate: float
    cpu: float


def capture(build: Path) -> Path:
    """Return what is replayed, made first when it is missing."""
    path = build / "bench-live.pcap"
    if not path.exists():
        command = [sys.executable, "-m", "tests.traffic", "bulk", str(path), "--packets", "100000"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def statuses(path: Path) -> list[dict[str, Any]]:
    """Return what a probe said of itself so far."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def tcpreplay(path: Path, *speed: str) -> Callable[[Wire], Sent]:
    """Return what sends a capture into a wire; `speed` are options of tcpreplay."""

    def send(wire: Wire) -> Sent:
        command = ["tcpreplay", "-q", "-K", "-i", "near", *speed, str(path)]
        told, _ = wire.there.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).communicate()
        sent = SENT.search(told)
        if sent is None:
            raise RuntimeError(f"tcpreplay said {told!r}")
        return int(sent[1]), int(sent[1]) / float(sent[2])

    return send


def segments(rate: int, seconds: float) -> Callable[[Wire], Sent]:
    """Return what sends TCP segments at a rate that tcpreplay may not reach (tests/bench/segments.py)."""

    def send(wire: Wire) -> Sent:
        command = [sys.executable, "-m", "tests.bench.segments", "near", str(rate), str(seconds)]
        sender = wire.there.start(command, stdout=subprocess.PIPE)
        told, _ = sender.communicate()
        if sender.returncode != 0:
            raise RuntimeError(f"the sender ended with {sender.returncode}")
        sent = json.loads(told)
        return sent["packets"], sent["packets"] / sent["seconds"]

    return send


def _end(process: subprocess.Popen[str], before: float) -> float:
    """End a process in order; return the CPU seconds it used, less those `before`."""
    process.send_signal(signal.SIGTERM)
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    return usage.ru_utime + usage.ru_stime - before


def _wait_for_start(path: Path, probe: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not statuses(path):
        if probe.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the probe did not start: {probe.returncode}")
        time.sleep(0.05)


def _wait_until_counted(path: Path, sent: int) -> None:
    """Wait for the packets that are still on their way when all are sent, though not for ever."""
    end = time.monotonic() + PATIENCE / 4
    while time.monotonic() < end:
        last = statuses(path)[-1]
        if last["packets"] + sum(last["dropped"].values()) >= sent:
            return
        time.sleep(0.05)


def _cpu(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def replay(wire: Wire, argosy: Sequence[str], send: Callable[[Wire], Sent], options: Sequence[str] = ()) -> Replayed:
    """Send packets into a wire at whose other end a probe listens."""
    with tempfile.TemporaryDirectory() as directory:
        status = Path(directory) / "status"
        output = ["-w", str(Path(directory) / "records.arrow"), "--status", str(status), "-M", "0.2"]
        probe = wire.here.start([*argosy, "probe", "-X", "-i", "far", *options, *output])
        try:
            _wait_for_start(status, probe)
            before = _cpu(probe.pid)
            sent, rate = send(wire)
            _wait_until_counted(status, sent)
            cpu = _end(probe, before)
        finally:
            _kill(probe)
        last = statuses(status)[-1]
    if probe.returncode != 0:
        raise RuntimeError(f"the probe ended with {probe.returncode}")
    return Replayed(sent, last["packets"], last["record_packets"], last["dropped"]["kernel_dropped"], rate, cpu)


def replay_to_argus(wire: Wire, send: Callable[[Wire], Sent]) -> Replayed | None:
    """Do the same with argus, which tells of no drops: what is missing in its records counts; None without argus."""
    if shutil.which("argus") is None or shutil.which("racount") is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        records = Path(directory) / "records"
        argus = wire.here.start(["argus", "-X", "-i", "far", "-w", str(records)], stderr=subprocess.DEVNULL)
        try:
            while not wire.here.run(_somebody_listens):
                time.sleep(0.05)
            before = _cpu(argus.pid)
            sent, rate = send(wire)
            time.sleep(1)
            cpu = _end(argus, before)
        finally:
            _kill(argus)
        told = subprocess.run(["racount", "-r", str(records)], capture_output=True, text=True, check=True).stdout
    counted = int(told.split("sum")[1].split()[1])
    return Replayed(sent, counted, counted, sent - counted, rate, cpu)


def _somebody_listens() -> bool:
    return len(Path("/proc/thread-self/net/packet").read_text(encoding="ascii").splitlines()) > 1


def _kill(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:
        process.kill()
        process.wait()


def is_possible() -> bool:
    """Whether namespaces can be made here, and filled with packets."""
    return os.geteuid() == 0 and None not in {shutil.which("ip"), shutil.which("tcpreplay")}


def measure(argosy: str, build: Path) -> Iterator[tuple[str, Replayed, Replayed | None]]:
    """Give what argosy and argus make of 500,000 packets a second for a minute, and of all that tcpreplay can send."""
    fastest = tcpreplay(capture(build), "--topspeed", "--loop", "20")
    for name, send in (("500,000 a second", segments(500_000, 60)), ("tcpreplay", fastest)):
        with contextlib.closing(Wire()) as wire:
            yield name, replay(wire, [argosy], send), replay_to_argus(wire, send)
