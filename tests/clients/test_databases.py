"""Tools that draw and count, over a database as over the file it was made of."""

from pathlib import Path

import pytest

from clients.main import main
from tests.clients.flows import ten, write

COMMANDS = (
    ["ragraph", "sbytes", "dbytes", "dport", "-M", "1s", "--term"],
    ["rahisto", "-H", "bytes", "4:0-2k"],
    ["ratree", "-m", "saddr", "dport", "daddr"],
    ["raports"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_database_says_what_the_file_says(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, table = write(tmp_path / "flows.parquet", ten()), str(tmp_path / "flows.duckdb")
    assert main(["rasqlinsert", "-r", file, "-w", table, "-q"]) == 0
    said = []
    for source in (file, table):
        assert main([*words, "-r", source, "-", "tcp"]) == 0
        said.append(capfd.readouterr().out)
    assert said[0] == said[1] != ""
