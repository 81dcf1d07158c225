"""The page on millions of flows: first paint, interactions of one client and of twenty at once, memory.

`python -m tests.bench.web --flows 1000000` tries it on fewer, and prints every interaction.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from clients.web.serving.traffic_routes import FIRST
from tests.bench.web_archive import make_archive
from tests.bench.web_paint import Paint, paint
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWS = 10_000_000
CLIENTS = 20
PERIOD = 5.0  # seconds from one interaction of a person to the next: what is shown is read, too
IDLE = 0.1  # seconds of processor in a second, fewer than which are rest
DEADLINE = 240.0  # seconds, of what is waited for
# What the page asks when it is opened, and in this order.
OPENING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {}),
    ("api/session", {}),
    ("api/meta", {}),
    *((path.removeprefix("/"), said) for path, said in FIRST),
    ("api/spans", {}),
    ("api/alerts", {"state": "open", "limit": "6"}),
)
# What a person does one after the other: zoom, break down, filter, page, sort, group, look at one.
INTERACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("overview", {"t": "-6h", "anchor": "end"}),
    ("overview", {"t": "-3h", "anchor": "end", "compare": 1}),
    ("series", {"by": "service", "bins": 240}),
    ("series", {"by": "country", "metric": "pkts"}),
    ("top", {"by": "daddr", "limit": 50}),
    ("top", {"by": "name", "metric": "flows", "limit": 50}),
    ("overview", {"q": "tcp and dst port 443"}),
    ("series", {"q": "tcp and dst port 443", "by": "saddr"}),
    ("flows", {"q": "tcp and dst port 443"}),
    ("overview", {"q": "host 10.0.0.{client}"}),
    ("flows", {"q": "host 10.0.0.{client}", "sort": "-bytes"}),
    ("series", {"q": "dco = DE", "by": "das"}),
    ("flows", {"offset": 5_000_000}),
    ("flows", {"sort": "-bytes", "offset": 1_000_000}),
    ("flows", {"t": "-1h", "anchor": "end", "group": "saddr,dport"}),
    ("top", {"q": "bytes gt 10000 and udp", "by": "addr"}),
    ("host/10.0.0.{client}", {"t": "-6h", "anchor": "end"}),
    ("graph", {"t": "-1h", "anchor": "end", "nodes": 150}),
    ("geography", {"t": "-3h", "anchor": "end"}),
    ("quality", {"t": "-2h", "anchor": "end"}),
    ("filter/complete", {"q": "tcp and dst po"}),
    ("new", {"t": "-1h", "anchor": "end", "against": 21_600}),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds until columns were made, until the first page was there, and of interactions; bytes of memory.

    The first page is that after a start, and that of a server which runs. `together` are clients that ask without a
    pause, and many of them the same; `paced` are people who look at what they see, each at times of their own.
    `paint` is what Chromium says of a server that runs, None where there is none.
    """

    prepared: float
    started: float
    first_paint: float
    alone: list[float]
    together: list[float]
    paced: list[float]
    paint: Paint | None
    private_bytes: int
    peak_bytes: int


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def archive(argosy: str, build: Path, flows: int) -> Path:
    """Return the archive, made when it is not there."""
    data = build / f"bench-web-{flows}"
    if not (data / "made").exists():
        make_archive(data, _sample(argosy, build), flows)
        (data / "made").touch()
    return data


def _sample(argosy: str, build: Path) -> Path:
    """Return a file of the flows of the sample that `make run` audits."""
    data = build / "bench-web-sample"
    if not data.exists():
        write_pcap(build / "bench-web.pcap", sample_frames(1))
        command = [argosy, "run", "-q", "-r", str(build / "bench-web.pcap"), "-e", "edge", "--data", str(data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(data.rglob("flows.*.parquet"))


class Server:
    """`argosy web` in a process of its own."""

    def __init__(self, argosy: str, data: Path, place: Path) -> None:
        words = [
            "web",
            "-R",
            str(data),
            "--port",
            "0",
            "--cache",
            str(place / "cache"),
            "--state",
            str(place / "state"),
        ]
        self.process = subprocess.Popen([argosy, *words, "--seconds", "60"], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.port = int(self.process.stderr.readline().split("/")[2].rpartition(":")[2])

    def ask(self, path: str, said: dict[str, Any]) -> tuple[float, Any]:
        """Return how long an answer took, and the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        begin = time.perf_counter()
        connection.request("GET", f"/{path}?{urlencode(said)}")
        answer = connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - begin
        connection.close()
        assert answer.status == http.HTTPStatus.OK, (path, said, content[:300])
        return took, json.loads(content) if path.startswith("api/") else content

    def prepare(self) -> float:
        """Wait until all columns are made; return how long it took."""
        begin = time.perf_counter()
        while self.ask("api/meta", {})[1]["preparing"]["fraction"] < 1:
            assert time.perf_counter() - begin < DEADLINE
            time.sleep(0.1)
        return time.perf_counter() - begin

    def open(self) -> float:
        """Ask what the page asks when it is opened; return how long that took."""
        begin = time.perf_counter()
        for path, said in OPENING:
            self.ask(path, said)
        return time.perf_counter() - begin

    def settle(self) -> None:
        """Wait until the server has the first page of the archive at hand, as it is a moment after a start."""
        end, before = time.perf_counter() + DEADLINE, -1.0
        while (now := self.processor_seconds()) - before > IDLE and time.perf_counter() < end:
            before = now
            time.sleep(1)

    def processor_seconds(self) -> float:
        """Return the seconds of processor that the process took."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> tuple[int, int]:
        """Return the bytes of the process that are its own, and the most that were resident, mapped files included."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(1024 * int(status[name].split()[0]) for name in ("RssAnon", "VmHWM"))  # type: ignore[return-value]  # two

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def interactions(server: Server, client: int) -> Iterator[float]:
    """Yield how long each interaction of a client takes; clients look at different hosts."""
    for path, said in INTERACTIONS:
        named = {name: str(value).format(client=client) for name, value in said.items()}
        yield server.ask(f"api/{path.format(client=client)}", named)[0]


def paced(server: Server, client: int) -> Iterator[float]:
    """Yield how long each interaction of a person takes, one in each period; nobody asks for the same times."""
    begin = time.perf_counter() + PERIOD * (client % CLIENTS) / CLIENTS
    for number in range(len(INTERACTIONS)):
        path, said = INTERACTIONS[(number + client) % len(INTERACTIONS)]
        named = {name: str(value).format(client=client) for name, value in said.items()}
        if "t" in named:
            named["t"] += f"{client}m"
        time.sleep(max(0.0, begin + PERIOD * number - time.perf_counter()))
        yield server.ask(f"api/{path.format(client=client)}", named)[0]


def measure(argosy: str, build: Path, flows: int = FLOWS) -> Pace:
    """Prepare an archive, start anew as on any other day, and work with the page."""
    data = archive(argosy, build, flows)
    with tempfile.TemporaryDirectory(prefix="argosy-bench-", dir=build) as directory:
        server = Server(argosy, data, Path(directory))
        prepared = server.prepare()
        server.settle()
        server.close()
        begin = time.perf_counter()
        server = Server(argosy, data, Path(directory))
        try:
            server.open()
            started = time.perf_counter() - begin
            server.settle()
            first_paint = server.open()
            painted = paint(f"http://127.0.0.1:{server.port}/") if shutil.which("chromium") else None
            server.settle()
            alone = list(interactions(server, 1))
            with ThreadPoolExecutor(CLIENTS) as pool:
                every = pool.map(lambda client: list(interactions(server, client)), range(2, 2 + CLIENTS))
                together = list(itertools.chain.from_iterable(every))
                every = pool.map(lambda client: list(paced(server, client)), range(30, 30 + CLIENTS))
                people = list(itertools.chain.from_iterable(every))
            private, peak = server.memory()
        finally:
            server.close()
    return Pace(prepared, started, first_paint, alone, together, people, painted, private, peak)


def main() -> None:
    """Print every interaction of one client."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web", description=__doc__)
    parser.add_argument("--flows", type=int, default=FLOWS)
    argosy = str(Path(sys.executable).with_name("argosy"))
    pace = measure(argosy, Path("build"), parser.parse_args().flows)
    for (path, said), took in zip(INTERACTIONS, pace.alone, strict=True):
        print(f"{1000 * took:8.1f} ms  {path} {said}")
    asked = (("one client", pace.alone), (f"{CLIENTS} at once", pace.together), (f"{CLIENTS} people", pace.paced))
    for label, values in asked:
        shown = ", ".join(f"{1000 * quantile(values, share):.0f}" for share in (0.5, 0.95, 1))
        print(f"{label}: median, 95 %, longest {shown} ms")
    print(f"prepared in {pace.prepared:.1f} s")
    print(f"page {pace.started:.2f} s after a start, opened in {pace.first_paint:.3f} s")
    if pace.paint is not None:
        print(f"Chromium: first paint {pace.paint.first:.0f} ms, figures drawn {pace.paint.whole:.0f} ms")
    print(f"own memory {pace.private_bytes / 1e6:.0f} MB, with mapped columns {pace.peak_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
