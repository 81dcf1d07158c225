"""What looks into payload beside Argus's tools: two million records of twenty different office traces, 64 bytes a side.

Costs are marginal: those of the same command on the records of one trace are taken off. Listings of ours go to a pipe,
as theirs. Twenty traces in 150 copies hold some 20,000 different payloads; radump on payloads that never come again
costs what `different` says.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.clients import Beside
from tests.bench.processes import Cost, run
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

if TYPE_CHECKING:
    from pathlib import Path

TRACES, COPIES, BYTES = 20, 150, "64"
# What is asked of both; {signatures} is a file that ours learnt, which both read.
WORK: dict[str, tuple[str, ...]] = {
    "ragrep": ("ragrep", "-e", "www.example", "-s", "saddr", "daddr"),
    "radump": ("radump", "-nn", "-s", "saddr", "daddr", "suser:60", "duser:60"),
    "rauserdata": ("rauserdata",),
    "raservices": ("raservices", "-f", "{signatures}", "-s", "saddr", "dport", "label:20"),
}


@dataclass(frozen=True, slots=True)
class Files:
    """Records of ours and, where argus is installed, of Argus: all of them, and those of one trace."""

    ours: tuple[str, str]
    theirs: tuple[str, str] | None
    signatures: str


def files(argosy: str, build: Path) -> Files:
    """Return the records, made when they are missing."""
    place = build / "bench-payload"
    ours = place / "all.parquet", place / "one.parquet"
    theirs = place / "all.argus", place / "one.argus"
    signatures = place / "own.sig"
    if not signatures.exists():
        place.mkdir(parents=True, exist_ok=True)
        _make(argosy, place, ours, theirs)
        run([argosy, "rauserdata", "-r", str(ours[1]), "--least", "2", "-w", str(signatures)])
    beside = (str(theirs[0]), str(theirs[1])) if theirs[0].exists() else None
    return Files((str(ours[0]), str(ours[1])), beside, str(signatures))


def _make(argosy: str, place: Path, ours: tuple[Path, Path], theirs: tuple[Path, Path]) -> None:
    captures = [place / f"{seed}.pcap" for seed in range(1, TRACES + 1)]
    for seed, capture in enumerate(captures, start=1):
        write_pcap(capture, sample_frames(seed))
    once = place / "once.parquet"
    run([argosy, "probe", "-r", *map(str, captures), "-U", BYTES, "-w", str(once)])
    run([argosy, "probe", "-r", str(captures[0]), "-U", BYTES, "-w", str(ours[1])])
    run([argosy, "ra", "-r", *[str(once)] * COPIES, "-w", str(ours[0])])
    if shutil.which("argus"):
        made = [_argus(capture) for capture in captures]
        with theirs[0].open("wb") as everything:  # piece by piece: a child begins with the memory of its parent
            for each in made * COPIES:
                everything.write(each)
        theirs[1].write_bytes(made[0])
    for capture in captures:
        capture.unlink()


def _argus(capture: Path) -> bytes:
    command = ["argus", "-X", "-U", BYTES, "-r", str(capture), "-w", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def measure(argosy: str, build: Path, name: str, runs: int) -> Beside:
    """Do one work with both tools in turn, the best of some runs."""
    made = files(argosy, build)
    words = [word.format(signatures=made.signatures) for word in WORK[name]]
    ours = _marginal([[argosy, words[0], "-r", file, *words[1:]] for file in made.ours], runs)
    theirs = None
    if made.theirs is not None and shutil.which(words[0]):
        theirs = _marginal([[words[0], "-X", "-r", file, *words[1:]] for file in made.theirs], runs)
    count = subprocess.run([argosy, "racount", "-r", made.ours[0]], capture_output=True, text=True, check=True).stdout
    return Beside(ours, theirs, int(count.splitlines()[1].split()[1]))


def _marginal(commands: list[list[str]], runs: int) -> Cost:
    """Return what the first command costs beyond the second, and its memory."""
    everything, one = ([run(command, statuses=(0, 1)) for _ in range(runs)] for command in commands)
    cpu = min(cost.cpu for cost in everything) - min(cost.cpu for cost in one)
    wall = min(cost.wall for cost in everything) - min(cost.wall for cost in one)
    return Cost(cpu, wall, max(cost.megabytes for cost in everything))


def decoded(argosy: str, build: Path) -> float:
    """Return how many flows of one trace a CPU second go through tshark, its own time and our start included.

    Argus's radecode takes one flow a call, and of these records it decodes none.
    """
    one = files(argosy, build).ours[1]
    listed = subprocess.run([argosy, "racount", "-r", one], capture_output=True, text=True, check=True).stdout
    return int(listed.splitlines()[1].split()[1]) / run([argosy, "radecode", "-r", one]).cpu


def different(seconds: float = 2.0) -> float:
    """Return how many payloads a CPU second are decoded when none of them was seen before: questions and answers."""
    import struct
    import time

    from processors.payload.decode import Payload, decode

    question = b"\3www\7example\3com\0\0\1\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
    count, end = 0, time.process_time() + seconds
    while time.process_time() < end:
        for number in range(1000):
            head = struct.pack("!6H", number, 0x8180, 1, 1, 0, 0)
            decode(Payload(head + question + answer, 0x0800, 17, 53, whole=True))
        count += 1000
    return count / seconds
