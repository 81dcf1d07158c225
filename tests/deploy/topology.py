"""The compose file's processes without an engine: each with its own words and variables, on real servers.

Names of services, ports and places in containers become addresses and places here, and nothing else changes. Kafka and
PostgreSQL are those of the other tests. `python -m tests.deploy.topology --seconds 600` starts everything, then kills
and restarts all of it in random order for so long, and says what came of it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

import psycopg
import yaml

from deploy.kafka.node import KafkaNode
from deploy.kafka.ports import free_port
from tests.deploy.arrivals import doubles, losses
from tests.deploy.compose_file import DIRECTORY, Service, services
from tests.deploy.panels import Panels
from tests.postgresql import PostgresqlServer
from tests.traffic.attacks import demonstration_frames
from tests.traffic.pcap import write_pcap

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DEMONSTRATION = "/usr/share/argosy/demo.pcap"
TABLES = ("flows", "dns", "spans", "alerts")
BINARIES = {"alertmanager": "prometheus-alertmanager", "prometheus": "prometheus"}
ABSENT = ("kafka", "postgres", "grafana", "topics")  # servers of the tests, no package, a job that ends
POLL = 0.2


@dataclass
class Place:
    """One process of a service, and where its output goes."""

    service: Service
    number: int
    command: list[str]
    environment: dict[str, str]
    log: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    wanted: bool = False

    @property
    def name(self) -> str:
        """Service and number."""
        return f"{self.service.name}-{self.number}"

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self.starts += 1
        self.wanted = True

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float = 60.0) -> int:
        """End it in order; return its exit status, that of a killed one when it did not listen."""
        self.wanted = False
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        """Whether it says that it can do its work."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


@dataclass
class Topology:
    """Everything that the compose file starts, below one directory."""

    directory: Path
    places: list[Place] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        try:
            self.began = time.monotonic()
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.services = services()
        self._capture = self.directory / "demo.pcap"
        write_pcap(self._capture, demonstration_frames(1))
        self.kafka, self.postgresql = KafkaNode(self.directory / "kafka"), PostgresqlServer()
        with ThreadPoolExecutor() as both:
            list(both.map(self._stack.enter_context, (self.kafka, self.postgresql)))
        with psycopg.connect(self.postgresql.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE argosy")
        self.database = self.postgresql.url.rsplit("/", 1)[0] + "/argosy"
        self.ports = {name: free_port() for name in ("alertmanager", "prometheus", "webhook")}
        self.panels = Panels(self.ports["prometheus"], self.running)
        for service in self.services.values():
            if service.name not in ABSENT:
                self.places += [self._place(service, number) for number in range(service.replicas)]
        self.servers_ready = time.monotonic()
        self._stack.callback(self.stop)
        topics = self._place(self.services["topics"], 0)
        subprocess.run(topics.command, env=topics.environment, check=True, capture_output=True, timeout=120)
        for place in self.places:
            place.start()

    def _place(self, service: Service, number: int) -> Place:
        port = self.ports.get(service.name) or free_port()
        volumes = {place: str(self._volume(service, source, place)) for source, place in service.volumes}
        said = (*service.entrypoint, *service.command)
        words = [self._mapped(_at(word, volumes), port) for word in said]
        given = {name: self._mapped(text, port) for name, text in service.environment.items()}
        if service.name in BINARIES:
            head = [BINARIES[service.name], f"--web.listen-address=127.0.0.1:{port}"]
        else:
            head = [] if service.entrypoint else [sys.executable, "-m", "clients.main"]
        words = [sys.executable if word == "python" else word for word in words]
        kept = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **kept, **given}
        if "PGPASSWORD" in environment:
            environment["PGPASSWORD"] = self.postgresql.password
        log = self.directory / f"{service.name}-{number}.log"
        return Place(service, number, [*head, *words], environment, log, port)

    def _mapped(self, text: str, port: int) -> str:
        """Return a text of the compose file, or of one that it mounts, with the addresses of here."""
        text = text.replace("kafka:9092", self.kafka.bootstrap).replace(DEMONSTRATION, str(self._capture))
        text = text.replace("@postgres/", f"@127.0.0.1:{self.postgresql.port}/")
        text = text.replace("0.0.0.0:9464", f"127.0.0.1:{port}").replace("0.0.0.0:8080", f"127.0.0.1:{port}")
        names = {"alertmanager:9093": "alertmanager", "webhook:8080": "webhook"}
        for name, service in names.items():
            text = text.replace(name, f"127.0.0.1:{self.ports[service]}")
        return text

    def _volume(self, service: Service, source: str, place: str) -> Path:
        """Return what stands for a volume: a directory for a named one, a copy of a file or directory otherwise."""
        here = self.directory / "volumes" / (source if "/" not in source else service.name + place.replace("/", "-"))
        given = (DIRECTORY / source).resolve() if "/" in source else None
        if given is None:
            here.mkdir(parents=True, exist_ok=True)
        elif given.is_dir():
            shutil.copytree(given, here, dirs_exist_ok=True)
            settings = here / "prometheus.yaml"
            settings.write_text(self._scraped(yaml.safe_load(settings.read_text())))
        elif not here.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_text(self._mapped(given.read_text(), 0))
        return here

    def _scraped(self, settings: dict[str, Any]) -> str:
        """Return the settings of Prometheus with addresses in place of what names resolve to in a compose network."""
        for job in settings["scrape_configs"]:
            (found,) = job.pop("dns_sd_configs")
            ports = [place.port for place in self.places if place.service.name in found["names"]]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
        settings["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["rule_files"] = [
            name for name in settings["rule_files"] if (DIRECTORY.parent / "prometheus" / name).exists()
        ]
        return self._mapped(yaml.safe_dump(settings), 0)

    def stop(self) -> None:
        """End all processes, those that make something before those that keep it."""
        for place in self.places:
            if place.process is not None and place.running():
                place.process.terminate()
        for place in self.places:
            place.stop()

    def tend(self) -> None:
        """Restart what ended by itself, as the engine would (`restart: unless-stopped`), and count it."""
        for place in self.places:
            if place.wanted and not place.running():
                self.ended[place.name] += 1
                self.deaths[place.service.name] += 1
                place.start()

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has, and how many messages came to the webhook."""
        found = {"webhook": len(self.delivered())}
        with psycopg.connect(self.database) as connection:
            for table in TABLES:
                if connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,):
                    (found[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
                connection.commit()
        return found

    def delivered(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the alerts that came to the webhook from the sink, each with its key; what a kill cut off is none."""
        log, found = self.directory / "webhook-0.log", []
        for line in log.read_text().splitlines() if log.exists() else ():
            with suppress(ValueError):
                told = json.loads(line)
                found += [(told["key"], told["said"])] if told["path"] == "/alerts" else []
        return found

    def attack(self, seed: int, *, rounds: int = 0, seconds: float = 0.0, most: float = 3.0) -> int:
        """Kill and restart every process, in random order: so many rounds, or for so long. Return how many kills.

        For so long: Kafka and PostgreSQL too. Between two kills are 0.2 to `most` seconds; then dashboards are asked.
        """
        self.panels.begin()
        choice, kills, end = Random(seed), 0, time.monotonic() + seconds
        while rounds > 0 or time.monotonic() < end:
            victims: list[tuple[str, Any]] = [(place.service.name, place) for place in self.places]
            victims += [("kafka", self.kafka), ("postgresql", self.postgresql)] if seconds else []
            for name, victim in choice.sample(victims, len(victims)):
                victim.kill()
                victim.start()
                self.deaths[name] += 1
                kills += 1
                pause = time.monotonic() + choice.uniform(0.2, most)
                while time.monotonic() < pause:
                    self.tend()
                    time.sleep(POLL)
                self.answers += self.panels.ask()
                if rounds <= 0 and time.monotonic() > end:
                    break
            rounds -= 1
        return kills

    def running(self) -> dict[str, set[str]]:
        """Return the addresses of metrics of each program."""
        found: dict[str, set[str]] = {}
        for place in self.places:
            found.setdefault(place.service.name, set()).add(f"127.0.0.1:{place.port}")
        return found

    def settle(self, seconds: float) -> int:
        """End the probe, wait until all that it made has been worked off, end the rest; return how many ended badly.

        All are ready before: a probe that is ended while it starts says nothing of the run that was killed.
        """
        ours = [place for place in self.places if "ARGOSY_METRICS" in place.environment and place.wanted]
        end = time.monotonic() + seconds
        while not all(place.ready() for place in ours) and time.monotonic() < end:
            self.tend()
            time.sleep(POLL)
        (probe,) = (place for place in self.places if place.service.name == "probe")
        bad = int(probe.stop() != 0)
        while losses(self) and time.monotonic() < end:
            self.tend()
            time.sleep(2.0)
        for place in self.places:
            if place.service.is_ours and place is not probe and place.service.name != "webhook":
                bad += int(place.stop() != 0)
        return bad

    def wait(self, until: Callable[[dict[str, int]], bool], seconds: float) -> dict[str, float]:
        """Wait until the counts are right; return when each was first not 0, in seconds since the very first start."""
        first: dict[str, float] = {}
        end = time.monotonic() + seconds
        while True:
            self.tend()
            counts = self.counts()
            now = time.monotonic()
            first |= {name: now - self.began for name, count in counts.items() if count and name not in first}
            if until(counts):
                return first
            if now > end:
                raise TimeoutError(f"after {seconds:.0f} s there is {counts}; ended by themselves: {dict(self.ended)}")
            time.sleep(POLL)


def _at(word: str, volumes: dict[str, str]) -> str:
    """Return a word with the first place in it that is on a volume replaced by where that is here."""
    places = "|".join(sorted(map(re.escape, volumes), key=len, reverse=True))
    return re.sub(rf"(?<![\w/])({places})(?=/|$)", lambda found: volumes[found[1]], word, count=1) if volumes else word


def complete(counts: dict[str, int]) -> bool:
    """Whether there is something of everything."""
    return all(counts.get(name) for name in (*TABLES, "webhook"))


def main() -> None:
    """Start everything, say when what was there, attack it and say what came of it."""
    words = argparse.ArgumentParser(prog="python -m tests.deploy.topology", description=__doc__)
    words.add_argument("--seconds", type=float, default=0.0, help="kill and restart for so long")
    words.add_argument("--seed", type=int, default=1)
    arguments = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="argosy-topology-") as directory, Topology(Path(directory)) as topology:
        print(f"Kafka and PostgreSQL after {topology.servers_ready - topology.began:.1f} s; since the same start:")
        print({name: round(when, 1) for name, when in topology.wait(complete, 300).items()}, flush=True)
        if arguments.seconds:
            kills = topology.attack(arguments.seed, seconds=arguments.seconds)
            print(f"{kills} kills: {dict(topology.deaths)}; ended by themselves: {dict(topology.ended)}")
            print(f"queries: {dict(topology.answers)}; wrongly empty: {dict(topology.panels.wrong)}", flush=True)
        print(f"ended badly: {topology.settle(600)}; {topology.counts()}")
        print(f"differences: {losses(topology)}; more often than promised: {doubles(topology)}")


if __name__ == "__main__":
    main()
