"""The examples of commands that need Kafka, on a real one."""

import shlex
from pathlib import Path

import pytest

from clients.main import main
from clients.manual.examples import EXAMPLES
from tests.started import started

LINES = [example.line for examples in EXAMPLES.values() for example in examples if example.needs == "kafka"]


def test_they_work(kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line.replace("127.0.0.1:9092", kafka_bootstrap) for line in LINES]
    ended = [line for line in lines if line.startswith("argosy topics")]
    assert len(ended) == 2
    for line in ended:
        assert main(shlex.split(line)[1:]) == 0
    running = [started(line) for line in lines if line not in ended]
    assert [process.stop() for process in running] == [0] * len(running)
