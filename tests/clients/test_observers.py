"""`argosy observers` over files of several probes."""

from pathlib import Path

import pytest

from clients.main import main
from tests.clients.flows import write
from tests.processors.observers.test_match import moved, seen
from topics.batch import concatenate

SECOND = 1_000_000_000
Capture = pytest.CaptureFixture[bytes]


def rows(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two probes: each sees a conversation that the other does not, and both one that goes on in a second record."""
    near = [seen("a", 1), moved(seen("a", 1, status_sequence=1), 2 * SECOND), seen("a", 2)]
    far = [moved(seen("b", 1, src_packets=3, src_ttl_max=50), SECOND), moved(seen("b", 3), SECOND)]
    return [write(tmp_path / "a.arrow", concatenate(near)), write(tmp_path / "b.parquet", concatenate(far))]


def test_files_of_several_probes_are_matched_and_ra_leaves_each_conversation_once(
    files: list[str], tmp_path: Path, capfdbinary: Capture
) -> None:
    out = str(tmp_path / "all.parquet")
    assert main(["observers", "-r", *files, "-w", out]) == 0
    fields = ("-L", "-1", "-c", "|", "-s", "saddr", "srcid", "spkts", "observation", "cor", "corpkts", "dlspkt")
    assert main(["ra", "-r", out, *fields]) == 0
    assert sorted(rows(capfdbinary)) == [
        "10.0.0.1|a/eth0|4|primary|a/eth0,b/eth0|4/4,3/2|-1",
        "10.0.0.1|b/eth0|3|further|a/eth0,b/eth0|4/4,3/2|-1",
        "10.0.0.2|a/eth0|2|primary|||",
        "10.0.0.3|b/eth0|2|primary|||",
    ]
    assert main(["racluster", "-r", out, "-m", "proto", "-L", "-1", "-s", "trans", "spkts", "-", "primary"]) == 0
    assert main(["ra", "-r", out, "-L", "-1", "-s", "saddr", "-", "further and dlspkt lt 0"]) == 0
    assert rows(capfdbinary) == ["4 8", "10.0.0.1"]


@pytest.mark.parametrize(("given", "said"), [("soon", "takes seconds, not 'soon'"), ("0", "0 to 3600 seconds, not 0")])
def test_a_tolerance_that_makes_no_sense_is_refused(
    given: str, said: str, files: list[str], capfdbinary: Capture
) -> None:
    assert main(["observers", "-r", *files, "--tolerance", given]) == 2
    assert said in capfdbinary.readouterr().err.decode()


def test_clocks_may_be_as_far_apart_as_the_tolerance_says(tmp_path: Path, capfdbinary: Capture) -> None:
    both = [write(tmp_path / f"{name}.arrow", moved(seen(name), at)) for name, at in (("a", 0), ("b", 8 * SECOND))]
    for tolerance, further in (("5", 1), ("9", 0)):
        printed = ("-L", "-1", "-s", "srcid", "observation")
        assert main(["observers", "-r", *both, "--tolerance", tolerance, *printed]) == 0
        assert ("b/eth0 further" in rows(capfdbinary)) == (not further)


def test_nothing_selected_is_nothing_found(files: list[str], capfdbinary: Capture) -> None:
    assert main(["observers", "-r", *files, "-", "port 9"]) == 1
