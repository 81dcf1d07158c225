"""Directories of Argus's files become an archive: everything once, whatever happens in between."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from clients.main import main
from clients.reading.source_names import record_files
from sinks.files.facts import facts_of
from sinks.formats import open_reader

SAMPLE = Path(__file__).parents[2] / "topics" / "argus" / "sample.argus"
TOTALS = re.compile(
    r"(\d+) files imported, (\d+) were there: ([\d,]+) records, ([\d,]+) packets, ([\d,]+) bytes read back; "
    r"(\d+) records of other kinds left out(?:; (\d+) files are damaged)?"
)


@pytest.fixture
def years(tmp_path: Path) -> Path:
    """A tree of two years, with something else in it."""
    for place, content in {
        "2019/03/argus.10.gz": gzip.compress(SAMPLE.read_bytes()),
        "2020/01/argus.out": SAMPLE.read_bytes(),
        "2020/notes.txt": b"nothing of Argus",
    }.items():
        path = tmp_path / "years" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "years"


def imported(capsys: pytest.CaptureFixture[str], archive: Path, *options: str, status: int = 0) -> list[int]:
    assert main(["archive", "import", str(archive), *options]) == status
    found = TOTALS.search(capsys.readouterr().out)
    assert found
    return [int((value or "0").replace(",", "")) for value in found.groups()]


def counted(path: Path) -> tuple[int, int, int]:
    records = packets = octets = 0
    for batch in open_reader(str(path)):
        rows = batch.records
        records += len(batch)
        packets += int(rows["src_packets"].sum() + rows["dst_packets"].sum())
        octets += int(rows["src_bytes"].sum() + rows["dst_bytes"].sum())
    return records, packets, octets


def test_a_tree_becomes_an_archive_once(years: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, once = tmp_path / "archive", counted(SAMPLE)
    files, known, records, packets, octets, others, _ = imported(capsys, archive, "-R", str(years), "--site", "berlin")
    assert (files, known, others) == (2, 0, 4)
    assert (records, packets, octets) == tuple(2 * count for count in once)
    names = [str(Path(path).relative_to(archive)) for path in record_files(str(archive))]
    assert names == ["2019/03/argus.10.gz.parquet", "2020/01/argus.out.parquet"]
    assert facts_of(archive / names[0])["observers"][0]["site"] == "berlin"
    assert imported(capsys, archive, "-R", str(years))[:3] == [0, 2, 0]
    (years / "2020/01/argus.out").write_bytes(SAMPLE.read_bytes() * 2)
    assert imported(capsys, archive, "-R", str(years))[:3] == [1, 1, 2 * once[0]]
    assert main(["archive", "verify", str(archive)]) == 0


def test_it_goes_on_where_it_was_interrupted(
    years: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    from sinks.formats.parquet import ParquetWriter

    write, written = ParquetWriter.write, list[str]()

    def killed(self: ParquetWriter, batch: object) -> None:
        written.append(self.path)
        if len(set(written)) == 2:
            raise KeyboardInterrupt
        write(self, batch)  # type: ignore[arg-type]  # a batch

    with monkeypatch.context() as patch:
        patch.setattr(ParquetWriter, "write", killed)
        assert main(["archive", "import", str(archive), "-R", str(years)]) == 130
    assert len(record_files(str(archive))) == 1
    assert imported(capsys, archive, "-R", str(years))[:2] == [1, 1]
    assert len(record_files(str(archive))) == 2


def test_of_a_damaged_file_the_beginning_is_kept(
    years: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (years / "2020/01/argus.out").write_bytes(SAMPLE.read_bytes()[:50_001])
    archive = tmp_path / "archive"
    files, _, _, _, _, _, damaged = imported(capsys, archive, "-R", str(years), status=1)
    assert (files, damaged) == (2, 1)
    assert 0 < counted(archive / "2020/01/argus.out.parquet")[0] < counted(SAMPLE)[0]
    assert "cut off" in facts_of(archive / "2020/01/argus.out.parquet")["imported"]["damage"]


def test_dry_runs_and_missing_directories(years: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "archive").mkdir()
    assert main(["archive", "import", str(tmp_path / "archive"), "-n", "-R", str(years)]) == 0
    assert "would become 2019/03/argus.10.gz.parquet" in capsys.readouterr().out
    assert main(["archive", "import", str(tmp_path / "archive")]) == 2
    assert "-R DIR" in capsys.readouterr().err
    assert main(["archive", "import", str(tmp_path / "archive"), "-R", str(tmp_path / "none")]) == 1
