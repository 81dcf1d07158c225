"""The clients beside those of Argus, on the same records: rasort, racount, racluster, rabins and the others."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from sinks.formats import open_writer
from tests.argus_records import argus_tools, read_argus
from tests.local_time import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = Path(__file__).parents[1] / "topics" / "argus" / "sample.argus"
Capture = pytest.CaptureFixture[bytes]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The records of Argus, in a file of ours."""
    path = str(tmp_path_factory.mktemp("records") / "sample.parquet")
    with open_writer(path) as writer:
        writer.write(read_argus(RECORDS))
    return path


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both print times of UTC."""
    argus_tools()
    with local_time(monkeypatch, "UTC"):
        yield


def theirs(*command: str) -> list[str]:
    """Lines that a tool of Argus prints."""
    name, *options = command
    done = subprocess.run([name, "-X", "-r", str(RECORDS), *options], capture_output=True, check=True, timeout=60)
    return [line.rstrip() for line in done.stdout.decode("latin-1").splitlines()]


def mine(capture: Capture, file: str, *command: str) -> list[str]:
    """Lines that ours prints."""
    name, *options = command
    assert main([name, "-r", file, *options]) == 0
    return [line.rstrip() for line in capture.readouterr().out.decode().splitlines()]


def values(lines: list[str]) -> list[list[str]]:
    """What is between the commas of the lines."""
    return [[value.strip() for value in line.split(",")] for line in lines]


PLAIN = ("-nn", "-u", "-c", ",", "-L", "-1")


@pytest.mark.parametrize(
    "field",
    [
        *("stime", "ltime", "dur", "pkts", "spkts", "dpkts", "bytes", "sbytes", "dbytes", "appbytes", "sappbytes"),
        *("load", "sload", "loss", "sloss", "smaxsz", "sminsz", "pcr", "mean", "min", "max", "sum"),
    ],
)
def test_records_are_in_the_order_of_rasort(field: str, ours: str, capfdbinary: Capture) -> None:
    command = ("rasort", "-m", field, *PLAIN, "-p", "3", "-s", field, "-", "ip", "and", "not", "man")
    argus = [float(row[0] or 0) for row in values(theirs(*command))]
    assert [float(row[0] or 0) for row in values(mine(capfdbinary, ours, *command))] == pytest.approx(argus, rel=1e-4)


@pytest.mark.parametrize("words", [[], ["-", "tcp"], ["-", "udp", "and", "port", "53"]])
def test_records_are_counted_as_by_racount(words: list[str], ours: str, capfdbinary: Capture) -> None:
    argus = theirs("racount", *words)[1].split()
    counted = mine(capfdbinary, ours, "racount", *words)[1].split()
    assert counted[2:] == argus[2:]
    assert int(argus[1]) - int(counted[1]) in {0, 1, 2}  # its management records


def test_protocols_are_counted_as_by_racount(ours: str, capfdbinary: Capture) -> None:
    def by_protocol(lines: list[str]) -> dict[str, list[str]]:
        return {line.split()[0]: line.split()[1:] for line in lines if line.split()[0] in {"tcp", "udp", "icmp", "arp"}}

    assert by_protocol(mine(capfdbinary, ours, "racount", "-M", "proto")) == by_protocol(
        theirs("racount", "-M", "proto")
    )


@pytest.mark.parametrize("inverted", [[], ["-v"]])
@pytest.mark.parametrize(
    "listed", ["10.20.1.21", "10.20.5.0/24\n10.20.1.21\n", "10.20.1.20-10.20.1.24\n203.0.113.0/24"]
)
def test_addresses_are_listed_as_by_rafilteraddr(
    listed: str, inverted: list[str], ours: str, tmp_path: Path, capfdbinary: Capture
) -> None:
    path = tmp_path / "list"
    path.write_text(listed + "\n")
    command = ("rafilteraddr", "-f", str(path), *inverted, *PLAIN, "-s", "stime", "-", "ipv4", "and", "not", "man")
    assert mine(capfdbinary, ours, *command) == theirs(*command)


def test_the_range_of_times_is_that_of_ratimerange(ours: str, capfdbinary: Capture) -> None:
    for options in ([], ["-u"], ["-p", "3"], ["-", "tcp", "and", "port", "25"]):
        assert mine(capfdbinary, ours, "ratimerange", *options) == theirs("ratimerange", *options)


COUNTS = ("trans", "spkts", "dpkts", "sbytes", "dbytes")


@pytest.mark.parametrize(
    "key",
    [
        *("saddr", "daddr", "proto", "saddr daddr", "saddr/24 proto", "proto dport", "saddr daddr proto dport"),
        *("daddr/16", "smac", "srcid", "matrix", "matrix/24", "saddr/24 daddr", "stos", "sttl", "inode"),
    ],
)
def test_flows_are_merged_by_a_key_as_by_racluster(key: str, ours: str, capfdbinary: Capture) -> None:
    # Of two IPv6 addresses, Argus takes another one for the smaller than everybody else.
    which = ("ipv4", "and", "not", "arp", "and", "not", "icmp") if key.startswith("matrix") else ("tcp", "or", "udp")
    command = ("racluster", "-m", *key.split(), *PLAIN, "-s", *COUNTS, "-", *which)
    assert Counter(mine(capfdbinary, ours, *command)) == Counter(theirs(*command))


@pytest.mark.parametrize(
    "line",
    [
        *("idle=5", "status=5", "status=5 idle=2"),
        *('model="saddr daddr" idle=3', 'model="proto" status=2'),
    ],
)
def test_flows_end_by_the_times_of_racluster_conf(line: str, ours: str, tmp_path: Path, capfdbinary: Capture) -> None:
    conf = tmp_path / "racluster.conf"
    conf.write_text(f'filter="" {line}\n')
    command = ("racluster", "-f", str(conf), *PLAIN, "-s", "stime", "ltime", *COUNTS, "-", "ipv4", "and", "tcp")
    assert Counter(mine(capfdbinary, ours, *command)) == Counter(theirs(*command))


@pytest.mark.parametrize(
    "modes", [[], ["-M", "norep"], ["-M", "nocorrect"], ["-M", "rmon", "-m", "saddr"], ["-m", "none"]]
)
def test_modes_are_those_of_racluster(modes: list[str], ours: str, capfdbinary: Capture) -> None:
    command = ("racluster", *modes, *PLAIN, "-s", *COUNTS[1:], "-", "tcp")
    assert Counter(mine(capfdbinary, ours, *command)) == Counter(theirs(*command))


@pytest.mark.parametrize("size", ["5s", "30s", "1m", "1h"])
def test_bins_are_those_of_rabins_but_for_single_packets(size: str, ours: str, capfdbinary: Capture) -> None:
    fields = ("stime", "proto", *COUNTS[1:])
    command = (
        "rabins",
        "-M",
        "hard",
        "time",
        size,
        "-m",
        "proto",
        *PLAIN,
        "-p",
        "0",
        "-s",
        *fields,
        "-",
        "tcp",
        "or",
        "udp",
    )
    argus = {(row[0], row[1]): [int(value) for value in row[2:]] for row in values(theirs(*command))}
    found = {(row[0], row[1]): [int(value) for value in row[2:]] for row in values(mine(capfdbinary, ours, *command))}
    assert found.keys() == argus.keys()
    assert [sum(column) for column in zip(*found.values(), strict=True)] == [
        sum(column) for column in zip(*argus.values(), strict=True)
    ]
    for name, numbers in argus.items():
        assert all(abs(mine - theirs) <= 3 for mine, theirs in zip(found[name][:2], numbers[:2], strict=True)), name


SENT = ("-", "tcp", "and", "dst", "bytes", "gt", "0")  # rahisto leaves out what is 0


@pytest.mark.parametrize(
    "asked",
    ["bytes 10:0-1000", "spkts 4:0-10", "bytes 10L:1-1000000", "sport 8:0-65536", "sttl 4:0-256", "dbytes 5:100"],
)
@pytest.mark.parametrize("mode", ["", "outlayer"])
def test_classes_hold_as_many_values_as_those_of_rahisto(
    ours: str, capfdbinary: Capture, asked: str, mode: str
) -> None:
    options = ("-H", *asked.split(), *(("-M", mode) if mode else ()))
    found = (theirs("rahisto", *options, *SENT), mine(capfdbinary, ours, "rahisto", *options, *SENT))
    tables = [[line.split() for line in lines if line[:6].strip().isdecimal()] for lines in found]
    assert len(tables[0]) > 3
    assert [row[:3] for row in tables[0]] == [row[:3] for row in tables[1]]
    statistics = [dict(part.split(" = ") for part in lines[0].strip().split("  ") if " = " in part) for lines in found]
    for name in ("N", "max", "min"):
        assert statistics[0][name].strip() == statistics[1][name].strip(), name
