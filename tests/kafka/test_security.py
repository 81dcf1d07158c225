"""A Kafka that checks who comes: TLS, client certificates, passwords, tokens, and rights by role."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from deploy.kafka.node import KafkaNode
from deploy.kafka.properties import SASL_LISTENER, TLS_LISTENER, NodeSecurity
from probes.spool.publisher import SpooledPublisher
from tests.certificates import INSTALL, Authority, openssl
from tests.kafka.test_worker import expected, messages
from tests.kafka.workers import flows_by_key
from tests.waiting import wait_until
from topics.batch import FlowBatch
from topics.bus import Publisher, Subscriber, create_topics, partition_count
from topics.bus.offsets import Offsets
from topics.bus.producer import ConfirmedProducer
from topics.bus.rights import NAMES_GROUP
from topics.definitions import CONTROL, EVENTS, FLOW_STATUS, FLOWS, NAMES, TOPICS
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS = {
    name: f"{name}-7Kq-secret" for name in ("admin", "probe", "worker", "names", "sink", "reader", "nobody", "late")
}
PARTITIONS = 3


@dataclass(frozen=True)
class Secured:
    """A node, and what its clients need."""

    node: KafkaNode
    directory: Path
    signer: Authority

    @property
    def authority(self) -> Path:
        return self.signer.certificate

    @property
    def url(self) -> str:
        return f"kafka://{self.node.listener(SASL_LISTENER)}"

    def settings(self, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """The environment of a program that runs as this user."""
        password = self.directory / f"{user}.password"
        password.write_text(USERS[user] + "\n")
        return {
            "ARGOSY_BUS_TLS": "true",
            "ARGOSY_BUS_CA_FILE": str(self.authority),
            "ARGOSY_BUS_MECHANISM": mechanism,
            "ARGOSY_BUS_USERNAME": user,
            "ARGOSY_BUS_PASSWORD_FILE": str(password),
        }

    def argosy(self, user: str, *arguments: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a command as a user."""
        command = [sys.executable, "-m", "clients.main", *arguments]
        environment = os.environ | self.settings(user)
        return subprocess.run(
            command, env=environment, cwd=self.directory, capture_output=True, text=True, timeout=seconds, check=False
        )


@pytest.fixture(scope="module")
def secured(kafka_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One node for all tests here, with the rights that `argosy topics acl` gives."""
    if openssl() is None:
        pytest.skip(f"no openssl: {INSTALL}")
    directory = tmp_path_factory.mktemp("secured")
    authority = Authority(directory)
    certificate, key = authority.sign("broker")
    both = directory / "broker-both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    security = NodeSecurity(both, authority.certificate, USERS)
    with KafkaNode(directory / "kafka", security=security) as node:
        create_topics(f"kafka://{node.bootstrap}", TOPICS, partitions=PARTITIONS)
        made = Secured(node, directory, authority)
        for role in ("probe", "worker", "names", "sink", "reader"):
            done = made.argosy("admin", "topics", "acl", role, "--principal", f"User:{role}", "--bus", made.url)
            assert done.returncode == 0, done.stderr
            assert all(line.startswith(f"User:{role}: ") for line in done.stdout.splitlines())
        yield made


def use(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_a_user_with_its_password_is_let_in(secured: Secured, monkeypatch: pytest.MonkeyPatch, mechanism: str) -> None:
    use(monkeypatch, secured.settings("probe", mechanism))
    with Publisher(secured.url, FLOW_STATUS.name) as publisher:
        publisher.publish(FlowBatch(probe=mechanism, watermark=1))
    assert publisher.messages == PARTITIONS


def test_a_token_out_of_a_file_lets_in(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())
    claims = {"sub": "probe", "iat": now, "exp": now + 3600}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)
    ]
    token = secured.directory / "token"
    token.write_text(".".join([*parts, ""]))
    use(monkeypatch, {"ARGOSY_BUS_TLS": "true", "ARGOSY_BUS_CA_FILE": str(secured.authority)})
    use(monkeypatch, {"ARGOSY_BUS_MECHANISM": "OAUTHBEARER", "ARGOSY_BUS_TOKEN_FILE": str(token)})
    assert partition_count(secured.url, FLOW_STATUS.name) == PARTITIONS


def test_a_certificate_lets_in_and_none_does_not(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"kafka://{secured.node.listener(TLS_LISTENER)}"
    lock = tmp_path / "lock"
    lock.write_text("opensesame")
    certificate, key = secured.signer.sign("client", lock)
    plain = f"kafka://{secured.node.bootstrap}"
    done = secured.argosy("admin", "topics", "acl", "reader", "--principal", "User:CN=client", "--bus", secured.url)
    assert done.returncode == 0, done.stderr
    settings = tmp_path / "argosy.yaml"
    settings.write_text(
        f"bus:\n  tls: true\n  ca_file: {secured.authority}\n  certificate_file: {certificate}\n"
        f"  key_file: {key}\n  key_password_file: {lock}\n"
    )
    monkeypatch.setenv("ARGOSY_BUS_SETTINGS", str(settings))
    assert partition_count(url, FLOWS.name) == PARTITIONS
    monkeypatch.delenv("ARGOSY_BUS_SETTINGS")
    use(monkeypatch, {"ARGOSY_BUS_TLS": "true", "ARGOSY_BUS_CA_FILE": str(secured.authority)})
    with pytest.raises(BusError):
        partition_count(url, FLOWS.name, 3.0)
    monkeypatch.delenv("ARGOSY_BUS_TLS")
    monkeypatch.delenv("ARGOSY_BUS_CA_FILE")
    assert partition_count(plain, FLOWS.name) == PARTITIONS


def test_a_wrong_password_is_told_in_one_line_that_does_not_repeat_it(secured: Secured) -> None:
    (secured.directory / "wrong").write_text("not-the-password-9")
    environment = (
        os.environ | secured.settings("probe") | {"ARGOSY_BUS_PASSWORD_FILE": str(secured.directory / "wrong")}
    )
    for command in (["topics", "list"], ["worker"], ["sink", "sql", "--url", "x.duckdb"]):
        done = subprocess.run(
            [sys.executable, "-m", "clients.main", *command, "--bus", secured.url],
            env=environment, cwd=secured.directory, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "the brokers do not let us in" in done.stderr
        assert "not-the-password-9" not in done.stderr + done.stdout


def test_a_broker_signed_by_somebody_else_is_not_trusted(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = secured.settings("probe") | {"ARGOSY_BUS_CA_FILE": str(Authority(tmp_path, "other").certificate)}
    use(monkeypatch, settings)
    with pytest.raises(BusError, match=r"do not let us in: .*certificate"):
        partition_count(secured.url, FLOWS.name, 5.0)


def test_who_has_no_right_is_told_so(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["worker"], ["sink", "sql", "--url", "x.duckdb"], ["topics", "tail", FLOWS.name]):
        done = secured.argosy("nobody", *command, "--bus", secured.url)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert "no right to do this" in done.stderr
        assert USERS["nobody"] not in done.stderr
    use(monkeypatch, secured.settings("reader"))
    with (
        pytest.raises(BusError, match=r"no right to do this .*argosy topics acl"),
        Publisher(secured.url, FLOWS.name) as publisher,
    ):
        publisher.publish(FlowBatch(watermark=1))
    use(monkeypatch, secured.settings("probe"))
    with pytest.raises(BusError, match="no right"):
        Subscriber(secured.url, FLOWS.name, "argosy-sink-x")


def test_a_spool_keeps_what_it_has_no_right_to_send_until_it_has(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def give(role: str) -> None:
        done = secured.argosy("admin", "topics", "acl", role, "--principal", "User:late", "--bus", secured.url)
        assert done.returncode == 0, done.stderr

    give("reader")
    use(monkeypatch, secured.settings("late"))
    with SpooledPublisher(secured.url, FLOW_STATUS.name, tmp_path / "spool") as publisher:
        publisher.publish(FlowBatch(probe="late", watermark=1))
        wait_until(lambda: "no right to do this" in publisher.last_error, "refusal", 60)
        assert publisher.counts()["spooled_messages"] == PARTITIONS
        give("probe")
        wait_until(lambda: publisher.counts()["delivered_messages"] == PARTITIONS, "delivery", 60)
        assert publisher.last_error == ""
        assert publisher.close() == 0


def test_every_program_works_with_the_rights_of_its_role(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, secured.settings("probe"))
    publisher = Publisher(secured.url, FLOW_STATUS.name)
    for batch in messages():
        publisher._send(batch)
    publisher.close()
    payloads = ConfirmedProducer(secured.url, 30.0)
    payloads.send(CONTROL.name, b"no payloads", 0)
    payloads.flush()
    log = (tmp_path / "worker.log").open("wb")
    times = ["--idle-timeout", "12", "--active-timeout", "25", "--names", NAMES.name, "--events", EVENTS.name]
    worker = subprocess.Popen(
        [sys.executable, "-m", "clients.main", "worker", "--bus", secured.url, *times],
        env=os.environ | secured.settings("worker"), stdout=log, stderr=log,
    )  # fmt: skip
    naming = subprocess.Popen(
        [sys.executable, "-m", "clients.main", "names", "--bus", secured.url],
        env=os.environ | secured.settings("names"), stdout=log, stderr=log,
    )  # fmt: skip
    try:
        use(monkeypatch, secured.settings("reader"))
        reader: Subscriber[FlowBatch] = Subscriber(secured.url, FLOWS.name, dead_letters=None)
        found: list[FlowBatch] = []

        def all_came() -> bool:
            assert worker.poll() is None, (tmp_path / "worker.log").read_text()
            found.extend(each.value for each in reader.receive(0.2))
            return len(flows_by_key(found)) >= len(expected())

        with reader:
            wait_until(all_came, "flows", 60)
        sink = secured.argosy(
            "sink", "sink", "files", "--data", str(tmp_path / "kept"), "--bus", secured.url, "--until-idle", "3"
        )
        events = secured.argosy(
            "sink", "sink", "events", "--data", str(tmp_path / "events"), "--bus", secured.url, "--until-idle", "1"
        )
    finally:
        for process in (worker, naming):
            process.terminate()
            process.wait(30)
    assert flows_by_key(found) == expected()
    use(monkeypatch, secured.settings("worker"))
    assert Offsets(secured.url, NAMES_GROUP, 30.0).notes(CONTROL.name, [0]) == {0: (1, "published=1")}
    assert (sink.returncode, events.returncode) == (0, 0), sink.stderr + events.stderr
    assert f"{len(expected())} flows kept" in sink.stderr
    said = (tmp_path / "worker.log").read_text() + sink.stderr + sink.stdout
    assert [name for name, password in USERS.items() if password in said] == []
