from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from clients.main import main
from probes.capture import totals
from tests.traffic.pcap import pcap_bytes, write_pcap
from tests.traffic.sample.story import sample_frames
from topics.compiled import cache_directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("captures") / "office.pcap"
    write_pcap(path, sample_frames(1))
    return path


def audited(data: Path) -> tuple[int, int]:
    with duckdb.connect(str(data / "flows.duckdb"), read_only=True) as database:
        found = database.execute(
            "SELECT count(*), sum(packets + src_duplicate_packets + dst_duplicate_packets) FROM flows"
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def test_a_run_keeps_every_packet_and_sums_up(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "-r", str(capture), "--data", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    packets = sum(1 for _ in sample_frames(1))
    assert audited(tmp_path / "data")[1] == packets
    assert f"{packets:,} packets" in printed
    for expected in (
        "Protocols",
        "Services",
        "Top talkers",
        "Worth a look",
        "tried 97 ports on 1 host without success",
    ):
        assert expected in printed
    assert f"argosy ra -R {tmp_path / 'data'}" in printed


def test_the_first_start_says_that_it_compiled_and_a_later_one_how_fast_it_was(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", "-r", str(capture), "--data", str(tmp_path / "data")])
    assert " packets/s)" in capsys.readouterr().out
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    known, empty = cache_directory(totals.__file__), tmp_path / "argosy" / "kernels"
    empty.mkdir(parents=True)
    for each in known.parent.iterdir():  # all but one: to compile all of them takes minutes
        if each != known:
            (empty / each.name).symlink_to(each)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    main(["run", "-r", str(capture), "--data", str(tmp_path / "first")])
    printed = capsys.readouterr().out
    assert "most of it to compile at the first start" in printed
    assert "packets/s" not in printed


def test_what_it_says_to_ask_next_can_be_asked(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(tmp_path / "data")
    main(["run", "-q", "-r", str(capture), "--data", data])
    assert capsys.readouterr().out == ""
    assert main(["ra", "-R", data, "-s", "saddr", "daddr", "dport", "-", "tcp"]) == 0
    assert "https" in capsys.readouterr().out
    assert (
        main(["racluster", "-R", data, "-m", "saddr", "daddr", "-s", "saddr", "daddr", "trans", "pkts", "bytes"]) == 0
    )


def test_the_same_run_twice_keeps_each_flow_once(capture: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert main(["run", "-q", "-r", str(capture), "--data", str(tmp_path), "-e", "edge"]) == 0
    with duckdb.connect(str(tmp_path / "flows.duckdb"), read_only=True) as database:
        counts = database.execute(
            "SELECT count(*), count(DISTINCT flow_id || '/' || status_sequence) FROM flows"
        ).fetchone()
    assert counts is not None
    assert counts[0] == counts[1]


def test_a_cut_capture_is_kept_up_to_the_cut_and_named(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:50_000])
    assert main(["run", "-q", "-r", str(cut), "--data", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err.startswith(f"argosy run: {cut}: file ends inside a packet at offset ")
    assert audited(tmp_path / "data")[1] > 50


@pytest.mark.parametrize("content", [b"", b"just some text, no capture"])
def test_nothing_is_made_for_what_is_no_capture(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(content)
    assert main(["run", "-r", str(tmp_path / "a"), "--data", str(tmp_path / "data")]) == 1
    assert str(tmp_path / "a") in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_capture_without_packets_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap_bytes([]))
    assert main(["run", "-r", str(tmp_path / "a.pcap"), "--data", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == "a.pcap: no packets\n"


def test_one_bad_file_does_not_cost_the_others(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = tmp_path / "absent.pcap"
    assert main(["run", "-q", "-r", str(absent), str(capture), "--data", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err == f"argosy run: {absent}: No such file or directory\n"
    assert audited(tmp_path / "data")[1] == sum(1 for _ in sample_frames(1))


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "-r"], ["probe", "-r", "a"], ["probe", "-r", "a", "-w", "-", "--bus", "b"]]
)
def test_missing_and_contradicting_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
