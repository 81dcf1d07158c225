"""Settings: who wins, and what is said about each that is wrong."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from probes import settings_layers as module
from probes.settings import Output, Settings, host_port, reloadable
from probes.settings_layers import load
from topics.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def option(key: str, value: Any, written: str = "-x") -> dict[str, tuple[str, Any]]:
    return {key: (written, value)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "probe.yaml"


def test_options_win_over_the_environment_over_the_file_over_defaults(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("site: file\nprobe: file\nstatus_interval: 30\n")
    monkeypatch.setenv("ARGOSY_PROBE_SITE", "environment")
    monkeypatch.setenv("ARGOSY_PROBE_PROBE", "environment")
    found = load(option("site", "option"), str(file))
    assert (found.site, found.probe, found.status_interval, found.probe_status_interval) == (
        "option",
        "environment",
        30.0,
        60.0,
    )


def test_the_default_file_is_read_where_there_is_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_FILE", file)
    assert load({}).site == ""
    file.write_text("site: default\n")
    monkeypatch.setenv("ARGOSY_PROBE_PROBE", "environment")
    assert (load({}).site, load({}).probe) == ("default", "environment")
    left_out = load({}, defaults=False)
    assert left_out.site == ""
    assert left_out.probe != "environment"


def test_lists_are_words_or_yaml(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("ARGOSY_PROBE_INTERFACES", "eth0, eth1/edge-2")
    monkeypatch.setenv("ARGOSY_PROBE_FILES", "one file.pcap")
    monkeypatch.setenv("ARGOSY_PROBE_OUTPUTS", "kafka://a:1,b:2 tcp and port 80")
    monkeypatch.setenv("ARGOSY_PROBE_SPOOL", "{directory: /var/spool/argosy, size: 2097152}")
    found = load({})
    assert found.interfaces == ("eth0", "eth1/edge-2")
    assert found.files == ("one file.pcap",)
    assert found.outputs == (Output(to="kafka://a:1,b:2", filter="tcp and port 80"),)
    assert (found.spool.directory, found.spool.size) == ("/var/spool/argosy", 2097152)
    monkeypatch.setenv("ARGOSY_PROBE_OUTPUTS", "[{to: a.csv}, b.csv udp]")
    assert load({}).outputs == (Output(to="a.csv"), Output(to="b.csv", filter="udp"))
    file.write_text("outputs:\n- \"c.arrow 'udp and port 53'\"\n- to: d.arrow\n  filter: tcp\n")
    monkeypatch.delenv("ARGOSY_PROBE_OUTPUTS")
    assert load({}, str(file)).outputs == (
        Output(to="c.arrow", filter="udp and port 53"),
        Output(to="d.arrow", filter="tcp"),
    )


def test_parts_of_a_setting_come_from_different_places(file: Path) -> None:
    file.write_text("spool:\n  directory: /a\n  size: 2097152\n")
    found = load(option("spool", {"directory": "/b"}), str(file), defaults=False)
    assert (found.spool.directory, found.spool.size) == ("/b", 2097152)


def test_an_interface_may_carry_a_name_of_its_own() -> None:
    found = load({"interfaces": ("-i", ["eth0", "eth1/10.1.2.3"]), "probe": ("-e", "sensor")}, defaults=False)
    assert found.interface_names == {"eth0": "sensor", "eth1": "10.1.2.3"}


@pytest.mark.parametrize(
    ("given", "name"), [("17", "17"), ("10.1.2.3", "10.1.2.3"), ('"abcd"', "abcd"), ("edge", "edge")]
)
def test_source_ids_of_argus_are_names(given: str, name: str) -> None:
    assert load(option("probe", given), defaults=False).probe == name


def test_the_name_of_the_host_is_the_default_and_can_be_asked_for() -> None:
    host = socket.gethostname()
    assert load({}, defaults=False).probe == host
    assert load(option("probe", "`hostname`"), defaults=False).probe == host


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("status_interval", "x"), "option -x should be a valid number, unable to parse string as a number, not 'x'"),
        (("status_interval", "0.0001"), "option -x should be greater than or equal to 0.001, not '0.0001'"),
        (("probe", "a\nb"), "option -x should be at most 255 bytes of printable text, not 'a\nb'"),
        (("probe", "é" * 128), "option -x should be at most 255 bytes of printable text"),
        (("metrics", "somewhere"), "option -x should be :PORT, HOST:PORT or [IPV6]:PORT, not 'somewhere'"),
        (("metrics", ":65536"), "option -x should be :PORT, HOST:PORT or [IPV6]:PORT, not ':65536'"),
        (("outputs", [{"to": "a", "filter": "tpc"}]), "option -x filter: unknown word 'tpc' at column 1"),
        (("outputs", [{"to": str(n)} for n in range(6)]), "option -x should be at most 5"),
        (
            ("outputs", [{"to": "argus-udp://h:561"}]),
            "option -x should be a file, - or kafka://HOST:PORT, not 'argus-udp",
        ),
        (("outputs", [{"to": ""}]), "option -x should not be empty"),
    ],
)
def test_a_wrong_option_is_named(given: tuple[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(option(*given), defaults=False)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status_intervall: 5", "{file}: unknown key 'status_intervall'; did you mean 'status_interval'?"),
        ("status_interval: soon", "{file}: key 'status_interval' should be a valid number"),
        ("spool:\n  directory: /x\n  size: 1", "{file}: key 'spool.size' should be greater than or equal to 1048576"),
        ("spool:\n  sise: 1", "{file}: key 'spool.sise' is unknown"),
        ("outputs:\n- to: a\n  filter: host", "{file}: key 'outputs.0.filter' filter: "),
        ("site: a\nsite: b", "{file}, line 2: no YAML (key 'site' twice)"),
        (
            "# local\nARGUS_FLOW_STATUS_INTERVAL=5",
            "{file}: an argus.conf, which is not read; write `status_interval:` for ARGUS_FLOW_STATUS_INTERVAL,",
        ),
        ("ARGUS_DEDUP=yes", "{file}: an argus.conf, which is not read; nothing here is like ARGUS_DEDUP, see docs"),
        ("site: [", "{file}: no YAML ("),
        ("- site", "{file}: should hold keys and values, `site: berlin` for instance"),
        ("17: a", "{file}: unknown key '17'"),
        ("daemon: perhaps", "{file}: key 'daemon' should be a valid boolean"),
        ("log_level: loud", "{file}: key 'log_level' should be 'error', 'warning', 'info' or 'debug', not 'loud'"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(file: Path, text: str, message: str) -> None:
    file.write_text(text + "\n")
    with pytest.raises(SettingsError) as caught:
        load({}, str(file), defaults=False)
    assert str(caught.value).startswith(message.format(file=file))
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load({}, str(file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"probe.yaml: is no UTF-8 text"):
        load({}, str(file))


def test_an_empty_file_says_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load({}, str(file), defaults=False) == load({}, defaults=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SITTE", "x", "environment: ARGOSY_PROBE_SITTE is no setting; did you mean 'site'?"),
        ("MAX_FLOWS", "many", "ARGOSY_PROBE_MAX_FLOWS should be a valid integer"),
        ("SPOOL", "{", "environment: ARGOSY_PROBE_SPOOL: no YAML ("),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ARGOSY_PROBE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load({})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":9100", ("127.0.0.1", 9100)),
        ("9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:9100", ("::1", 9100)),
        ("sensor.example:80", ("sensor.example", 80)),
    ],
)
def test_metrics_are_served_on_loopback_unless_told(text: str, expected: tuple[str, int]) -> None:
    assert host_port(text) == expected


def test_equal_settings_have_equal_digests() -> None:
    def digest(site: str) -> str:
        return load(option("site", site), defaults=False).digest

    assert digest("a") == digest("a") != digest("b")


def test_every_setting_is_described_and_few_change_at_run_time() -> None:
    assert [key for key, field in Settings.model_fields.items() if not field.description] == []
    assert reloadable() == {"probe_status_interval", "control_protocols", "log_level"}
