"""Live capture over a pair of namespaces: what tcpreplay sent, what the probe counted, and what that cost it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.probes.live.wire import Wire

SENT = re.compile(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds")
PATIENCE = 60


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


def _wait_for_start(path: Path, probe: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not statuses(path):
        if probe.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the probe did not start: {probe.returncode}")
        time.sleep(0.05)


def _wait_until_counted(path: Path, told: str) -> None:
    """Wait for the packets that are still on their way when tcpreplay has ended, though not for ever."""
    sent = SENT.search(told)
    end = time.monotonic() + PATIENCE / 4
    while sent and time.monotonic() < end:
        last = statuses(path)[-1]
        if last["packets"] + sum(last["dropped"].values()) >= int(sent[1]):
            return
        time.sleep(0.05)


def _cpu(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def replay(
    wire: Wire, argosy: Sequence[str], path: Path, speed: Sequence[str], options: Sequence[str] = ()
) -> Replayed:
    """Replay a capture into a wire at whose other end a probe listens; `speed` are options of tcpreplay."""
    with tempfile.TemporaryDirectory() as directory:
        status = Path(directory) / "status"
        output = ["-w", str(Path(directory) / "records.arrow"), "--status", str(status), "-M", "0.2"]
        probe = wire.here.start([*argosy, "probe", "-X", "-i", "far", *options, *output])
        try:
            _wait_for_start(status, probe)
            before = _cpu(probe.pid)
            sender = wire.there.start(
                ["tcpreplay", "-q", "-K", "-i", "near", *speed, str(path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            told, _ = sender.communicate()
            _wait_until_counted(status, told)
            probe.send_signal(signal.SIGTERM)
            _, ended, usage = os.wait4(probe.pid, 0)
            probe.returncode = os.waitstatus_to_exitcode(ended)
        finally:
            if probe.returncode is None:
                probe.kill()
                probe.wait()
        last = statuses(status)[-1]
    sent = SENT.search(told)
    if sent is None or probe.returncode != 0:
        raise RuntimeError(f"tcpreplay said {told!r}, the probe ended with {probe.returncode}")
    return Replayed(
        sent=int(sent[1]),
        counted=last["packets"],
        recorded=last["record_packets"],
        dropped=last["dropped"]["kernel_dropped"],
        rate=int(sent[1]) / float(sent[2]),
        cpu=usage.ru_utime + usage.ru_stime - before,
    )
