"""`argosy audit` over what `argosy run` left."""

from pathlib import Path

import pytest

from clients import audit
from clients.run import command as run_command
from tests.traffic.pcap import write_pcap
from tests.traffic.sample.story import sample_frames
from topics.errors import InputError, UsageError


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that two runs over the same capture have filled."""
    directory = tmp_path_factory.mktemp("audited")
    capture = directory / "one.pcap"
    write_pcap(capture, sample_frames(1), nanoseconds=True)
    for _ in range(2):
        assert run_command.run(["-r", str(capture), "--data", str(directory / "data"), "-e", "edge", "-q"]) == 0
    return directory / "data"


def test_every_packet_is_accounted_for(audited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packets = f"{sum(1 for _ in sample_frames(1)):,}"
    assert audit.run(["--data", str(audited), "--url", str(audited / "flows.duckdb")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("edge\n")
    assert said.endswith("  every packet is accounted for\n")
    assert [line.split()[-3] for line in said.splitlines() if "kept in" in line] == [packets, packets]


def test_what_a_sink_has_lost_is_found(audited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = next(audited.rglob("*.parquet"))
    hidden = lost.rename(lost.with_suffix(".hidden"))
    try:
        assert audit.run(["--data", str(audited), "--url", str(audited / "flows.duckdb")]) == 1
    finally:
        hidden.rename(lost)
    assert f"numbers part at 'kept in {audited}'" in capsys.readouterr().out


def test_runs_are_chosen_by_probe_and_time(audited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--probe", "other"], ["--since", "2031-01-01"], ["--until", "2001-01-01T00:00:00+01:00"]):
        assert audit.run(["--data", str(audited), *options]) == 0
        assert capsys.readouterr().out == "no probe has said anything that is to be audited\n"
    assert audit.run(["--data", str(audited), "--probe", "edge", "--since", "2001-01-01"]) == 0
    assert "every packet" in capsys.readouterr().out


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGOSY_BUS", raising=False)
    with pytest.raises(UsageError, match="say what to audit"):
        audit.run([])
    with pytest.raises(UsageError, match="--since takes a time"):
        audit.run(["--data", str(tmp_path), "--since", "yesterday"])
    with pytest.raises(InputError, match=r"probe-status\.jsonl: No such file"):
        audit.run(["--data", str(tmp_path)])
    (tmp_path / "probe-status.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"probe-status\.jsonl: line 1 is no status"):
        audit.run(["--data", str(tmp_path)])
