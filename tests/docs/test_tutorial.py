"""The part of the tutorial that takes Kafka, typed as it stands there: an alert reaches the program of the reader."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.kafka.node import KafkaNode
from tests.docs.console import ROOT, Block, blocks
from tests.sample_run import make_run
from tests.started import PATIENCE

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SKIPPED = ("make kafka", "export ")


@pytest.fixture(scope="module")
def bus(kafka_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka without any topic: the tutorial takes the usual names."""
    with KafkaNode(tmp_path_factory.mktemp("kafka")) as node:
        yield f"kafka://{node.bootstrap}"


def on_kafka() -> list[Block]:
    """Blocks of the part about Kafka, up to the list of alerts."""
    start, end = (
        PAGE.count("\n", 0, PAGE.index(text)) for text in ("\n## 4. On Kafka", "A worker, a sink and a probe")
    )
    return [block for block in blocks(PAGE) if start < block.line < end]


def said(file: Path, count: int) -> list[str]:
    """The lines of a file, once there are so many."""
    end = time.monotonic() + 2 * PATIENCE
    while len(lines := file.read_text().splitlines()) < count and time.monotonic() < end:
        time.sleep(0.1)
    return lines


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(300)  # five processes, on a machine that has much else to do
def test_an_alert_reaches_the_receiver(bus: str, tmp_path: Path) -> None:
    make_run(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    for block in blocks(PAGE):
        if block.title:
            file = tmp_path / block.title
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text.replace("8099", port).replace("dadr", "daddr"))
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {**os.environ, "ARGOSY_BUS": bus, "PATH": path, "TZ": "UTC"}
    wanted = next(block.text for block in on_kafka() if block.language == "text").splitlines()
    received = tmp_path / "received"
    with ExitStack() as running, received.open("wb") as output:
        for block in on_kafka():
            for line in block.text.splitlines() if block.language == "sh" else ():
                if line.startswith(SKIPPED):
                    continue
                if line.startswith("argosy alerts list"):
                    assert sorted(said(received, len(wanted))) == sorted(wanted)
                if not line.endswith(" &"):
                    done = subprocess.run(
                        ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, check=True
                    )
                    continue
                command = ["sh", "-c", f"exec {line.removesuffix(' &')}"]
                started = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=output)
                running.callback(ended, started)
    listed = done.stdout.decode()
    assert [re.search(re.escape(line.rpartition(" | ")[2]), listed) is not None for line in wanted] == [True, True]
