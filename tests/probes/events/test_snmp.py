"""A real snmpd on loopback, with version 2c and 3."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.ports import free_port
from probes.events.runner import EventRunner
from probes.events.settings import Device, EventSource
from probes.events.snmp import DeviceError, ask, neighbour_rows, station_rows
from topics.events import encode_event

COMMUNITY, AUTHENTICATION, PRIVACY = "c0mmunity-word", "authentication-word", "privacy-word"
CONFIGURATION = """
agentaddress udp:127.0.0.1:{port}
rocommunity {community}
createUser auditor SHA "{authentication}" AES "{privacy}"
rouser auditor priv
sysName device-under-test
sysLocation rack 7
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("snmpd", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("no snmpd: apt-get install snmpd")
    place = tmp_path_factory.mktemp("snmp")
    number = free_port()
    words = {"community": COMMUNITY, "authentication": AUTHENTICATION, "privacy": PRIVACY}
    (place / "snmpd.conf").write_text(CONFIGURATION.format(port=number, **words))
    agent = subprocess.Popen(
        [program, "-f", "-Lf", str(place / "log"), "-C", "-c", str(place / "snmpd.conf")],
        env=os.environ | {"SNMP_PERSISTENT_DIR": str(place / "kept")},
    )
    try:
        yield number
    finally:
        agent.terminate()
        agent.wait()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEST_COMMUNITY", COMMUNITY)
    monkeypatch.setenv("TEST_WRONG", "wrong-word")
    monkeypatch.setenv("TEST_PRIVACY", PRIVACY)
    (tmp_path / "authentication").write_text(AUTHENTICATION + "\n")


def patiently(device: Device) -> dict[str, object]:
    """Ask until the agent is up."""
    end = time.monotonic() + 60
    while True:
        (found,) = ask([device], 30)
        if not isinstance(found, DeviceError):
            return found
        assert time.monotonic() < end, str(found)


@pytest.mark.usefixtures("secrets")
def test_both_versions_tell_the_same_and_wrong_words_nothing(port: int, tmp_path: Path) -> None:
    plain = Device(address="127.0.0.1", port=port, name="two", community="env:TEST_COMMUNITY")
    login = {"user": "auditor", "authentication": f"file:{tmp_path}/authentication", "privacy": "env:TEST_PRIVACY"}
    third = Device(address="127.0.0.1", port=port, name="three", version="3", **login)
    patiently(plain)
    two, three = (found for found in ask([plain, third], 60))
    assert not isinstance(two, DeviceError)
    assert not isinstance(three, DeviceError)
    assert (two["name"], two["location"], two["version"], three["version"]) == (
        "device-under-test",
        "rack 7",
        "2c",
        "3",
    )
    loopback = next(row for row in two["interfaces"] if row["name"] == "lo")
    assert (loopback["state"], loopback["counter_bits"]) == ("up", 64)
    assert loopback["in_octets"] > 0
    assert [row["name"] for row in three["interfaces"]] == [row["name"] for row in two["interfaces"]]


@pytest.mark.usefixtures("secrets")
def test_several_devices_are_asked_at_once_and_no_secret_is_told(port: int, caplog: pytest.LogCaptureFixture) -> None:
    good = Device(address="127.0.0.1", port=port, community="env:TEST_COMMUNITY")
    wrong = Device(address="127.0.0.1", port=port, name="wrong", community="env:TEST_WRONG")
    missing = Device(address="127.0.0.1", port=port, name="missing", community="env:TEST_NOWHERE")
    patiently(good)
    source = EventSource(kind="snmp", devices=(good, wrong, missing), every=0, timeout=60)
    with EventRunner([source], site="s", probe="p", boot_id=1) as runner:
        end = time.monotonic() + 90
        while not runner.is_over and time.monotonic() < end:
            runner.told.wait(0.1)
    events = [event for event, _ in runner.take()]
    assert [event.status for event in events] == ["ok", "failed", "failed"]
    assert events[2].reason == "127.0.0.1: community cannot be read from env:TEST_NOWHERE"
    everything = b"".join(map(encode_event, events)) + caplog.text.encode() + repr(source).encode()
    assert COMMUNITY.encode() not in everything
    assert b"wrong-word" not in everything


def test_tables_of_neighbours_and_stations() -> None:
    arp = {(2, 10, 0, 0, 1): b"\2\0\0\0\0\1", (2, 300, 0, 0, 1): b"x", (2, 10): b"y"}
    ipv6 = {(3, 2, 16, *range(16)): b"\2\0\0\0\0\2", (3, 1, 4, 10, 0, 0, 1): b"\2\0\0\0\0\3", (3, 9, 1): b""}
    rows = neighbour_rows(arp, ipv6)
    assert [(row["interface"], row["mac"][-1]) for row in rows] == [(2, 1), (3, 2), (3, 3)]
    stations = station_rows(
        {(2, 0, 0, 0, 0, 1): 5}, {(7, 2, 0, 0, 0, 0, 2): 6, (7, 2, 0, 0, 0, 0, 3): 0}, {5: 105}, {105: "ge5"}
    )
    assert [(row["port"], row["port_name"], row["vlan"]) for row in stations] == [(105, "ge5", 0), (6, "", 7)]
