"""Workers and the sinks killed, the broker restarted, members coming and going: the rows of a quiet run, each once."""

from pathlib import Path

import pytest

from tests.faults.soak import Plan, run
from tests.postgresql import binaries
from topics.errors import ServerError


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled_whatever_is_killed(kafka_installed: None, tmp_path: Path) -> None:
    try:
        binaries()
    except ServerError as error:
        pytest.skip(str(error))
    figures = run(Plan(), tmp_path)
    assert sum(figures.faults.values()) == 7
    assert figures.records >= 190_000
    assert figures.found == figures.expected
    assert (figures.lost, figures.other) == (0, 0)
    assert (figures.in_files, figures.files_lost, figures.files_other) == (figures.flows, 0, 0)
    assert figures.found[1] == figures.records
