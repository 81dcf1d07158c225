"""Sources as Argus writes them and as YAML does."""

import pytest
from pydantic import ValidationError

from probes.events.settings import EventSource, event_source
from probes.settings_layers import load
from topics.errors import SettingsError


def source(value: object) -> EventSource:
    return EventSource.model_validate(event_source(value))


def test_sources_as_argus_writes_them() -> None:
    found = source("prog:/usr/local/bin/argus-lsof -n 'two words':1m:compress")
    assert found.program == ("/usr/local/bin/argus-lsof", "-n", "two words")
    assert (found.kind, found.every, found.compress) == ("lsof", 60.0, True)
    found = source("file:/proc/vmstat:30s")
    assert (found.files, found.kind, found.every, found.compress) == (("/proc/vmstat",), "vmstat", 30.0, False)
    assert [source(f"file:/x:{word}").every for word in ("0", "5", "2h", "1d", "1w", "1M", "1y")] == [
        0, 5, 7200, 86_400, 604_800, 2_592_000, 31_536_000,
    ]  # fmt: skip


def test_a_record_never_names_the_arguments_of_a_program() -> None:
    assert source("prog:/usr/bin/snmpwalk -c secret host:1m").label == "prog:/usr/bin/snmpwalk"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("prog:/bin/true", "should be prog:"),
        ({"program": "/bin/true", "shell": "true"}, "has several of"),
        ({"kind": "generic"}, "does not say what to ask"),
        ({"kind": "snmp", "devices": [{"address": "a", "community": "public"}]}, "env:NAME or file:/PATH"),
        ({"kind": "syslog", "listen": "udp:514"}, "udp://HOST:PORT"),
        ({"kind": "load", "every": "soon"}, "should be a time"),
        ({"kind": "lsof", "interval": 5}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said(value: object, reason: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=reason):
        source(value)


def test_the_settings_of_a_probe_name_the_key() -> None:
    settings = load({"events": ("--event", ["lsof", "file:/proc/loadavg:5s"])}, defaults=False)
    assert [each.kind for each in settings.events] == ["lsof", "load"]
    with pytest.raises(SettingsError, match=r"^option --event should be prog:"):
        load({"events": ("--event", ["what"])}, defaults=False)
