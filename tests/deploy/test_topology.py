"""The compose file's programs as plain processes: the system works, and goes on working when each of them is killed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.deploy.arrivals import doubles, losses
from tests.deploy.topology import BINARIES, Topology, complete

if TYPE_CHECKING:
    from pathlib import Path

absent = [name for name in BINARIES.values() if shutil.which(name) is None]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("kafka_installed", "postgresql_url")
@pytest.mark.skipif(bool(absent), reason=f"apt-get install {' '.join(absent)}")
def test_the_system_works_and_loses_nothing_when_each_process_is_killed_once(tmp_path: Path) -> None:
    with Topology(tmp_path) as topology:
        first = topology.wait(complete, 300)
        assert set(first) == {"flows", "dns", "spans", "alerts", "webhook"}
        assert not topology.ended, "nothing ends by itself"
        assert topology.attack(seed=1, rounds=1, most=1.0) == len(topology.places)
        assert not topology.ended, "nor when others are killed"
        assert topology.settle(300) == 0, "every program of ours ends in order"
        assert losses(topology) == {}
        assert doubles(topology) == {}
