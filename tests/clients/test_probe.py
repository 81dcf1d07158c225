"""The options of `argosy probe`: what they set, what is refused, what is written down about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.main import main
from clients.options import HELP_COLUMN, parse
from clients.sensor.options import ACTIONS, REFUSED, SWITCHES, all_options, settings_of
from probes.control.protocols import MORE, NAMED
from probes.settings import Output, Settings, reloadable
from sinks.formats import open_reader
from tests.probes.observed import CLIENT, SERVER, START
from tests.traffic.packets import tcp_frame, udp_frame
from tests.traffic.pcap import write_pcap
from topics.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from topics.batch import FlowBatch

LETTERS_OF_ARGUS = "AbBcCdDeEfFgHiJklmMNOPpRrSstTuUwXZh"
DOCUMENT = Path("docs/reference/probe.md").read_text()


def settings(*words: str) -> Settings:
    return settings_of(parse(all_options(), ["-X", *words]))


def test_every_letter_of_argus_is_known() -> None:
    known = {spelling for option in all_options() for spelling in option.spellings}
    assert {f"-{letter}" for letter in LETTERS_OF_ARGUS} <= known


def test_every_option_sets_a_key_that_exists() -> None:
    assert {switch.key for part in SWITCHES.values() for switch in part} <= set(Settings.model_fields)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-S", "0.5", "-M", "300"], {"status_interval": 0.5, "probe_status_interval": 300.0}),
        (["-AJRZmCp", "-e", "17"], {"control": True, "promiscuous": False, "probe": "17"}),
        (["-dd"], {"daemon": False}),
        (["-d", "-u", "argosy", "-g", "net", "-c", "/jail"], {"daemon": True, "user": "argosy", "group": "net"}),
        (["-k", "3"], {"log_level": "error"}),
        (["-k", "4"], {"log_level": "warning"}),
        (["-k", "7"], {"log_level": "debug"}),
        (["-D", "2"], {"log_level": "debug"}),
        (["-H", "4096"], {"max_flows": 4096}),
        (["--control", "dns,udp:9053", "--control", "bgp"], {"control_protocols": ("dns", "udp:9053", "bgp")}),
        (["--control", "dns"], {"control": True}),
        (["-i", "eth0", "-i", "eth1/9", "-", "tcp", "port", "80"], {"packet_filter": "tcp port 80"}),
    ],
)
def test_options_mean_what_they_mean_in_argus(words: list[str], expected: dict[str, object]) -> None:
    found = settings(*words)
    assert {key: getattr(found, key) for key in expected} == expected


def test_each_output_has_its_own_filter() -> None:
    words = ["-w", "a.csv", "-w", "b.csv", "tcp and port 80", "-w", "-", "udp", "or", "icmp", "--bus", "kafka://h:1"]
    assert settings(*words).outputs == (
        Output(to="a.csv"),
        Output(to="b.csv", filter="tcp and port 80"),
        Output(to="-", filter="udp or icmp"),
        Output(to="kafka://h:1"),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-P", "561"], "option -P: there is no listener; publish with -w kafka://HOST:PORT"),
        (["-B", "::1"], "option -B: there is no listener to bind; publish with -w kafka://HOST:PORT"),
        (["-t"], "option -t: tsh files are not read; convert them to pcap"),
        (["-r", "cisco:a.pcap"], "option -r: write -r FILE --netflow :PORT for NetFlow in a capture"),
        (["-k", "8"], "option -k takes a severity from 0 to 7, not 8"),
        (["-k", "loud"], "option -k takes a whole number, not 'loud'"),
        (["-e", "a\nb"], "option -e should be at most 255 bytes of printable text"),
        (["--control", "dsn"], "option --control 'dsn' is unknown; did you mean 'dns'?"),
        (["-w", "x.arrow", "prot tcp"], "option -w filter: "),
        (["--bus", "localhost:9092"], "option --bus takes kafka://HOST:PORT, not 'localhost:9092'"),
        (["--spool"], "option --spool needs an argument: DIR"),
    ],
)
def test_what_is_wrong_is_named(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(*words)
    assert str(caught.value).startswith(message)


def test_a_settings_file_is_read_behind_options(tmp_path: Path) -> None:
    file = tmp_path / "probe.yaml"
    file.write_text("site: berlin\nstatus_interval: 9\n")
    found = settings("-F", str(file), "-S", "3")
    assert (found.site, found.status_interval) == ("berlin", 3.0)
    with pytest.raises(SettingsError, match="No such file"):
        settings("-F", str(tmp_path / "absent.yaml"))


def test_help_is_aligned_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--help"]) == 0
    text = capsys.readouterr().out
    entries = [line for line in text.splitlines() if line.startswith("   ") or "  " in line.strip()]
    assert max(map(len, text.splitlines())) <= 92
    assert all(line[HELP_COLUMN - 1] == " " != line[HELP_COLUMN] for line in entries)
    assert not any(f"\n  {option.spellings[0]} " in text for option in REFUSED)
    assert all(option.text.splitlines()[0] in text for option in ACTIONS)


def rows_of_document() -> dict[str, str]:
    """Key -> its option cell, in the table of settings."""
    found = re.findall(r"^\| `(\w+)`( \*)? \| (.*?) \|", DOCUMENT, re.MULTILINE)
    return {key + star: option for key, star, option in found}


def test_the_document_knows_every_key_and_which_may_change() -> None:
    rows = rows_of_document()
    keys = {key.removesuffix(" *") for key in rows}
    assert set(Settings.model_fields) <= keys
    assert {key.removesuffix(" *") for key in rows if key.endswith(" *")} == reloadable()


def test_the_document_knows_every_option() -> None:
    rows = {key.removesuffix(" *"): option for key, option in rows_of_document().items()}
    for switch in (switch for part in SWITCHES.values() for switch in part):
        for spelling in switch.option.spellings:
            assert f"`{spelling}`" in rows[switch.key], spelling
    for option in (*ACTIONS, *REFUSED):
        if option.spellings[0] not in {"-b", "-l", "-h"}:
            assert f"`{option.spellings[0]}" in DOCUMENT


def test_the_document_knows_every_protocol() -> None:
    assert [name for name in (*NAMED, *MORE) if f"`{name}`" not in DOCUMENT] == []


def read(path: Path) -> list[FlowBatch]:
    return [batch for batch in open_reader(str(path)) if len(batch)]


def test_outputs_get_what_their_filters_select(tmp_path: Path) -> None:
    source = tmp_path / "a.pcap"
    frames = [udp_frame(CLIENT, SERVER, 1000 + port, 53, b"x") for port in range(3)]
    frames += [tcp_frame(CLIENT, SERVER, 1000 + port, 80, flags="S") for port in range(5)]
    write_pcap(source, [(START + place, frame) for place, frame in enumerate(frames)])
    outputs = {"udp.arrow": "udp", "web.parquet": "tcp and dst port 80", "all.avro": "", "none.arrow": "icmp"}
    words = [word for name, text in outputs.items() for word in ("-w", str(tmp_path / name), text)]
    assert main(["probe", "-X", "-r", str(source), *words]) == 0
    counts = {name: sum(map(len, read(tmp_path / name))) for name in outputs}
    assert counts == {"udp.arrow": 3, "web.parquet": 5, "all.avro": 8, "none.arrow": 0}
    assert (tmp_path / "udp.arrow.status.jsonl").read_text().count("\n") == 2


def test_payloads_need_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.pcap"
    write_pcap(source, [(START, udp_frame(CLIENT, SERVER, 1, 53, b"x"))])
    assert main(["probe", "-X", "-C", "-r", str(source), "-w", "-"]) == 2
    assert "a pipe has no room for payloads" in capsys.readouterr().err
