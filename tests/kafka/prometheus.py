"""A real Prometheus on loopback, and what it answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest
import yaml

from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

STOP_SECONDS = 20.0


@dataclass
class Prometheus:
    """One that scrapes programs (their ports by job) each second and evaluates rules; a context manager."""

    directory: Path
    port: int
    jobs: dict[str, int]
    rules: Path

    def __enter__(self) -> Self:
        binary = shutil.which("prometheus")
        if binary is None:
            pytest.skip("no prometheus: apt-get install prometheus")
        scrapes = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in self.jobs.items()
        ]
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self.rules.resolve())],
            "scrape_configs": scrapes,
        }
        (self.directory / "prometheus.yaml").write_text(yaml.safe_dump(settings))
        command = [binary, f"--config.file={self.directory / 'prometheus.yaml'}"]
        command += [f"--storage.tsdb.path={self.directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{self.port}"]
        with (self.directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(STOP_SECONDS)

    def asked(self, page: str, **parameters: str) -> Any:
        """Return the data of an answer of the HTTP API; AssertionError with what is wrong."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{page}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{parameters}: {refusal.read().decode()}") from None

    def value(self, expression: str) -> list[Any]:
        """Return the series that an expression gives now."""
        found: list[Any] = self.asked("query", query=expression)["result"]
        return found

    def wait_for_scrapes(self, count: int) -> None:
        """Wait until every program was scraped so often."""

        def scraped() -> bool:
            try:
                found = self.value(f"count(sum_over_time(up[5m]) >= {count})")
            except (OSError, AssertionError):  # it is starting
                return False
            return bool(found) and int(found[0]["value"][1]) == len(self.jobs)

        wait_until(scraped, "scrapes")
