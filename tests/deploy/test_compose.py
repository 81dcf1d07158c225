"""The compose file as the specification has it, and as confined and pinned as it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from deploy.kafka.jars import POM
from deploy.kafka.properties import FIXED
from sinks.alerts.settings import read_channels
from tests.deploy.compose_file import DIRECTORY, compose, services

PINNED = re.compile(r"[\w./-]+:v?\d+(\.\d+)+$")
KEYS = {
    *("image", "build", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period", "depends_on"),
    *("command", "entrypoint", "environment", "volumes", "ports", "healthcheck", "deploy"),
}
TOP = {"name", "services", "volumes"}


def ours() -> dict[str, dict[str, Any]]:
    file = compose()
    return {name: file["services"][name] for name, service in services().items() if service.is_ours}


def test_the_specification_allows_it() -> None:
    PyCompose.from_yaml(yaml.safe_dump(compose())).validate()
    wrongs: tuple[dict[str, Any], ...] = ({"comand": []}, {"cap_drop": "ALL"})
    for wrong in wrongs:
        file = compose()
        file["services"]["probe"] |= wrong
        with pytest.raises(ValueError, match=next(iter(wrong))):
            PyCompose.from_yaml(yaml.safe_dump(file)).validate()


def test_images_of_others_are_pinned() -> None:
    others = [service.image for service in services().values() if not service.is_ours]
    assert len(others) == 5
    assert all(PINNED.fullmatch(image) for image in others)
    version = re.search("<kafka.version>(.*)</kafka.version>", POM.read_text())
    assert version
    assert services()["kafka"].image == f"apache/kafka:{version[1]}"


def test_what_it_names_is_there() -> None:
    file = compose()
    assert {key for key in file if not key.startswith("x-")} == TOP
    for name, said in file["services"].items():
        assert set(said) <= KEYS, name
        for other in said.get("depends_on", {}):
            assert other in file["services"]
        for source, place in services()[name].volumes:
            assert place.startswith("/")
            if "/" not in source:
                assert source in file["volumes"]
            else:
                assert (DIRECTORY / source).exists(), (name, source)


def test_programs_of_ours_can_do_little() -> None:
    assert len(ours()) == 10
    for said in ours().values():
        assert said["read_only"] is True
        assert said["cap_drop"] == ["ALL"]
        assert said["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in said


def test_ports_are_for_this_machine_alone() -> None:
    published = [port for said in compose()["services"].values() for port in said.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_kafka_is_told_what_the_one_for_development_is() -> None:
    told = services()["kafka"].environment
    names = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in FIXED.items()}
    shared = told.keys() & names.keys() - {"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"}
    assert {"KAFKA_MESSAGE_MAX_BYTES", "KAFKA_AUTO_CREATE_TOPICS_ENABLE"} <= shared
    assert {name: told[name] for name in shared} == {name: names[name] for name in shared}


def test_channels_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [channel.kind for channel in read_channels(str(DIRECTORY / "channels.yaml"))] == ["alertmanager", "webhook"]


def test_prometheus_asks_every_program() -> None:
    settings = yaml.safe_load((Path(DIRECTORY).parent / "prometheus" / "prometheus.yaml").read_text())
    asked = {job["job_name"]: job["dns_sd_configs"][0]["names"] for job in settings["scrape_configs"]}
    serving = {name for name in ours() if name not in {"topics", "webhook"}}
    assert asked == {f"argosy-{name}": [name] for name in serving}
