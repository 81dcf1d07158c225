"""Archives in a bucket: the same upkeep, killed at every step, on a real server."""

import urllib.request
from pathlib import Path

import numpy as np
import pytest

from clients.archive import compact
from clients.sink.files import split_pattern
from sinks.archive import catalog
from sinks.archive.objects import ObjectStore
from sinks.archive.store import open_store
from sinks.files.opening import open_outputs
from sinks.files.settings import output
from sinks.formats import open_writer
from sinks.position import Position
from tests.clients.archive.places import EXPECTED, MINUTE, NOW, START, Died, argosy, keep, seen
from topics.batch import FlowBatch, records_like
from topics.errors import InputError, SettingsError, UsageError

WISH = compact.Wish(older=3600, keys=None, sort=[], strip=[], at_once=1 << 20, only_say=False, quiet=True)


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    settings = {"AWS_ENDPOINT_URL": s3_server, "AWS_REGION": "us-east-1"}
    for name, value in {**settings, "AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two"}.items():
        monkeypatch.setenv(name, value)
    name = tmp_path.name.replace("_", "-")
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{name}", method="PUT"), timeout=30).close()  # noqa: S310 - loopback
    return name


def upload(directory: Path, address: str) -> None:
    store = open_store(address)
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            store.put(path.relative_to(directory).as_posix(), path.read_bytes())
    store.close()


class DyingBucket(ObjectStore):
    """Dies before its so-manyth change."""

    steps = 1000

    def _change(self, key: str, work: object) -> None:
        if not self.steps:
            raise Died
        self.steps -= 1
        super()._change(key, work)


def test_compaction_killed_at_every_step_shows_each_flow_once(bucket: str, tmp_path: Path) -> None:
    keep(tmp_path)
    steps, died = 0, True
    while died:
        address = f"s3://{bucket}/archive-{steps}"
        upload(tmp_path, address)
        store = DyingBucket(address)
        store.steps = steps
        try:
            compact.work(store, WISH, NOW)
            died = False
        except Died:
            assert seen(address) == EXPECTED
        store.close()
        again = open_store(address)
        compact.work(again, WISH, NOW)
        names = [each.key for each in again.list() if catalog.is_record_file(each.key)]
        again.close()
        assert names == ["2023-11-15/flows.2023-11-15.daily.parquet"]
        assert seen(address) == EXPECTED
        steps += 7  # all others are walked through in a directory
    assert steps > 14


def test_all_commands_take_a_bucket(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"s3://{bucket}"
    keep(tmp_path)
    upload(tmp_path, address)
    assert argosy("archive", "verify", address) == 0
    assert "60 records: all is well" in capsys.readouterr().out
    assert argosy("archive", "compact", address) == 0
    assert "60 records" in capsys.readouterr().out
    assert argosy("archive", "verify", address) == 0
    assert argosy("archive", "retain", address, "--keep", "1d") == 0
    assert argosy("archive", "verify", address) == 0
    assert "0 files, 0 B, 0 records: all is well" in capsys.readouterr().out


def test_clients_read_a_bucket(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"s3://{bucket}/archive"
    files = keep(tmp_path)
    upload(tmp_path, address)
    assert argosy("racount", "-R", tmp_path) == 0
    expected = capsys.readouterr().out
    assert argosy("racount", "-R", address) == 0
    assert capsys.readouterr().out == expected
    one = files[0].relative_to(tmp_path).as_posix()
    assert argosy("ra", "-r", files[0], "-s", "stime", "saddr") == 0
    expected = capsys.readouterr().out
    assert argosy("ra", "-r", f"{address}/{one}", "-s", "stime", "saddr") == 0
    assert capsys.readouterr().out == expected
    assert argosy("ra", "-r", f"{address}/none.parquet") != 0
    assert f"{address}/none.parquet: " in capsys.readouterr().err
    assert argosy("ra", "-r", "s3://none.parquet") != 0
    assert "names no object" in capsys.readouterr().err


def test_what_cannot_be_had_is_said_in_one_line(bucket: str) -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        open_store("s3://")
    store = open_store(f"s3://{bucket}-absent")
    with pytest.raises(InputError, match=f"s3://{bucket}-absent: "):
        list(store.list())
    store.close()
    there = open_store(f"s3://{bucket}")
    assert there.read("none") is None
    there.delete("none")
    there.close()


def at(minute: int, count: int) -> FlowBatch:
    records = records_like(count)
    records["flow_id"] = np.random.default_rng(minute).integers(0, 256, (count, 16))
    records["src_first"] = records["src_last"] = records["flow_start"] = START + minute * MINUTE
    return FlowBatch(records=records)


@pytest.mark.parametrize("suffix", ["", ".csv"])
def test_a_sink_that_dies_and_reads_again_keeps_each_flow_once(bucket: str, suffix: str) -> None:
    address = f"s3://{bucket}/kept"
    wanted = output(directory=address, name=f"%H.%M{suffix}", time="1m", grace="0s")
    messages = [at(minute, 10) for minute in (0, 0, 1, 2)]
    dying = open_outputs([wanted])
    for offset, batch in enumerate(messages[:3]):
        dying.write(batch, Position("p", offset))
        dying.advance(START + offset // 2 * MINUTE)
    assert dying.safe_offsets() == {"p": 2}  # 00:00 is closed, 00:01 not
    again = open_outputs([wanted])
    for offset, batch in enumerate(messages):
        again.write(batch, Position("p", offset))
    again.close()
    assert again.records == 20
    store = open_store(address)
    names = [each.key for each in store.list() if catalog.is_record_file(each.key)]
    records = [catalog.entry(store, each).facts["records"] for each in store.list() if each.key in names]
    store.close()
    dying.abort()
    ending = suffix or ".parquet"
    assert (names, records) == ([f"00.0{minute}{ending}" for minute in range(3)], [20, 10, 10])


def test_clients_write_objects(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_writer(str(tmp_path / "flows.parquet")) as writer:
        writer.write(at(0, 10))
    address = f"s3://{bucket}/some/flows.parquet"
    assert argosy("ra", "-r", str(tmp_path / "flows.parquet"), "-w", address) == 0
    capsys.readouterr()
    assert argosy("racount", "-r", address) == 0
    assert " 10 " in capsys.readouterr().out


def test_what_is_wrong_is_said_of_the_object(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(f"s3://{bucket}")
    store.put("bad.parquet", b"no such thing")
    store.close()
    good = str(tmp_path / "flows.parquet")
    with open_writer(good) as writer:
        writer.write(at(0, 10))
    for said, arguments in (
        (f"s3://{bucket}/bad.parquet: ", ("ra", "-r", f"s3://{bucket}/bad.parquet")),
        (f"s3://{bucket}/bad.parquet: ", ("ra", "-R", f"s3://{bucket}")),
        ("s3://absent/x.parquet: ", ("ra", "-r", good, "-w", "s3://absent/x.parquet")),
    ):
        assert argosy(*arguments) != 0
        assert said in capsys.readouterr().err


def test_a_program_gets_no_file_of_a_bucket() -> None:
    with pytest.raises(SettingsError, match=r"program: gets a path"):
        output(directory="s3://bucket/kept", program="/bin/true")


def test_patterns_may_lead_into_a_bucket() -> None:
    assert split_pattern("s3://bucket/archive/$srcid/%H.csv") == ("s3://bucket/archive", "$srcid/%H.csv")
