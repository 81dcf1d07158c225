"""A broker of a site mirrored to the centre by MirrorMaker 2, with the sample settings: each flow is counted once."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from deploy.kafka.node import KafkaNode
from deploy.sites.mirror import SETTINGS, mirror_command
from tests.kafka.test_worker import expected, halves
from tests.kafka.workers import Bench, flows_by_key
from tests.waiting import wait_until
from topics.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of the broker of a site."""
    try:
        mirror_command(SETTINGS)
    except ServerError as error:
        pytest.skip(str(error))
    with KafkaNode(tmp_path_factory.mktemp("site")) as node:
        yield node.bootstrap


@contextlib.contextmanager
def mirror(settings: Path, site: str, centre: str) -> Iterator[subprocess.Popen[bytes]]:
    """MirrorMaker 2 until it is killed, as a power cut would."""
    brokers = {"EDGE_BROKERS": site, "CENTRE_BROKERS": centre}
    with settings.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(mirror_command(settings), env=os.environ | brokers, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def settings_for(topic: str, directory: Path) -> Path:
    """The sample settings, for one topic of a test; what was mirrored is noted too late, so that it comes again."""
    sample = SETTINGS.read_text()
    ours, topics = re.subn(r"(?m)^(edge->centre.topics = ).*", lambda found: found[1] + re.escape(topic), sample)
    ours, flush = re.subn(r"(?m)^(offset.flush.interval.ms = ).*", r"\g<1>600000", ours)
    assert (topics, flush) == (1, 1)
    path = directory / "mirror.properties"
    path.write_text(ours)
    return path


def wait_for_input(bench: Bench, ends: list[int], process: subprocess.Popen[bytes]) -> None:
    """Wait until so much is at the centre; what is mirrored comes in seconds, so asking is not hurried."""

    def has_come() -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"MirrorMaker ended with {process.wait(0.5)}")
        return bench.ends(bench.input) == ends

    wait_until(has_come, "input at the centre")


@pytest.mark.timeout(300)
def test_what_a_link_brings_twice_is_counted_once(bench: Bench, site: str, tmp_path: Path) -> None:
    edge = Bench(site, bench.prefix, tmp_path)
    settings = settings_for(bench.input, tmp_path)
    first, second = halves()
    edge.publish(first)
    with mirror(settings, site, bench.bootstrap) as process:
        wait_for_input(bench, edge.ends(bench.input), process)
    before = bench.ends(bench.input)
    edge.publish(second)
    again = [sum(both) for both in zip(before, edge.ends(bench.input), strict=True)]
    with mirror(settings, site, bench.bootstrap) as process:
        wait_for_input(bench, again, process)
    worker = bench.start()
    bench.wait_until_all_is_acknowledged()
    assert flows_by_key(bench.flows()) == expected()
    assert sum(len(batch) for batch in bench.flows()) == len(expected())
    assert worker.stop() == 0
    edge.remove_topics()
