"""What channels send is what real servers take."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import time
from email import message_from_bytes
from typing import TYPE_CHECKING, Any
from urllib import request

import pytest
from aiosmtpd.controller import Controller

from deploy.kafka.ports import free_port
from sinks.alerts.http import alertmanager, webhook
from sinks.alerts.messages import apprise, email, syslog
from sinks.alerts.refusals import NotDeliveredError
from sinks.alerts.settings import Channel
from tests.sinks.alerts.servers import ALERT, WebServer
from tests.waiting import wait_until
from topics.alerts import RESOLVED
from topics.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 60.0


def channel(**said: Any) -> Channel:
    return Channel.model_validate({"name": "one"} | said)


def test_a_webhook_is_signed_and_says_which_message_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("open sesame\n")
    with WebServer() as server:
        send = webhook(channel(webhook={"url": server.url, "secret": f"file:{tmp_path / 'key'}"}), lambda: 1234.9)
        send(ALERT, 3)
    assert json.loads(server.bodies[0])["subject"] == {"saddr": "10.0.0.66", "daddr": "10.0.0.30"}
    signed = hmac.new(b"open sesame", b"1234." + server.bodies[0], hashlib.sha256).hexdigest()
    assert server.headers[0]["Argosy-Signature"] == f"t=1234,v1={signed}"
    assert server.headers[0]["Idempotency-Key"] == "00c0ffee00c0ffee-0"
    assert server.headers[0]["Argosy-Held-Back"] == "3"


@pytest.mark.parametrize(("status", "passes"), [(503, True), (429, True), (400, False), (404, False)])
def test_answers_tell_whether_to_try_again(status: int, passes: bool) -> None:
    with WebServer() as server:
        server.answers.append(status)
        with pytest.raises(NotDeliveredError) as refusal:
            webhook(channel(webhook={"url": server.url}))(ALERT, 0)
    assert refusal.value.passes is passes
    assert str(status) in str(refusal.value)


def test_nobody_there_is_worth_another_try_and_the_address_is_not_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{unused.getsockname()[1]}/secret-token"
        with pytest.raises(NotDeliveredError, match="no answer") as refusal:
            webhook(channel(webhook={"url": place}))(ALERT, 0)
    assert refusal.value.passes
    assert "secret-token" not in str(refusal.value)


class Mailbox:
    """Keeps mails; the answer may be another one."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.mails: list[Any] = []
        self.answer = answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope)
        return self.answer


@pytest.mark.parametrize(("answer", "passes"), [("250 OK", None), ("451 later", True), ("550 never", False)])
def test_mail_is_taken_by_a_server_or_refused(answer: str, passes: bool | None) -> None:
    box = Mailbox(answer)
    controller = Controller(box, hostname="127.0.0.1", port=0, ready_timeout=DEADLINE)
    controller.port = free_port()
    controller.start()
    try:
        said = {
            "server": f"127.0.0.1:{controller.port}",
            "from": "a@example.org",
            "to": "b@example.org",
            "tls": "never",
        }
        send = email(channel(email=said, text="{summary}\n{team}: {subject}"))
        if passes is None:
            send(dataclasses.replace(ALERT, revision=2, summary="two\nlines"), 1)
        else:
            with pytest.raises(NotDeliveredError) as refusal:
                send(ALERT, 0)
            assert refusal.value.passes is passes
            return
    finally:
        controller.stop()
    mail = message_from_bytes(box.mails[0].content)
    assert mail["Subject"] == "[high] two lines (and 1 more were held back)"
    assert mail["Message-ID"] == "<00c0ffee00c0ffee.2@argosy>"
    assert mail["In-Reply-To"] == "<00c0ffee00c0ffee.0@argosy>"
    assert "soc: saddr=10.0.0.66 daddr=10.0.0.30" in str(mail.get_payload())


def test_syslog_over_datagrams_is_of_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(DEADLINE)
        send = syslog(
            channel(syslog={"address": f"udp://127.0.0.1:{server.getsockname()[1]}"}), lambda: 1_773_133_200.5
        )
        send(ALERT, 0)
        line = server.recv(4096).decode()
    host = socket.gethostname()
    assert line.startswith(f"<163>1 2026-03-10T09:00:00.500Z {host} argosy - alert [alert@32473 id=")
    assert ' rule="vertical-scan" ' in line
    assert line.endswith('] \ufeff[high] 10.0.0.66 tried 97 ports of "10.0.0.30"')


def test_syslog_over_tcp_counts_octets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        said = channel(syslog={"address": f"tcp://127.0.0.1:{server.getsockname()[1]}", "timeout": 0.5})
        with pytest.raises(NotDeliveredError):
            syslog(said)(ALERT, 0)  # nobody has taken it
        taken, _ = server.accept()
        with taken:
            count, _, line = taken.makefile("rb").read().partition(b" ")
    assert int(count) == len(line)


def test_the_rest_goes_through_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer() as server:
        monkeypatch.setenv("CHAT", server.url.replace("http://", "json://"))
        apprise(channel(apprise={"url": "env:CHAT"}))(ALERT, 0)
        server.answers.append(500)
        with pytest.raises(NotDeliveredError):
            apprise(channel(apprise={"url": "env:CHAT"}))(ALERT, 0)
    assert json.loads(server.bodies[0])["title"].startswith("[high] 10.0.0.66")
    monkeypatch.setenv("CHAT", "nonsense")
    with pytest.raises(SettingsError, match="env:CHAT"):
        apprise(channel(apprise={"url": "env:CHAT"}))


@pytest.fixture
def alertmanager_url(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager of its own."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("no Alertmanager: apt-get install prometheus-alertmanager")
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'am'}"]
    command += [f"--web.listen-address={address}", "--cluster.listen-address="]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait(DEADLINE)


def _asked(url: str) -> list[dict[str, Any]]:
    with request.urlopen(f"{url}/api/v2/alerts", timeout=5) as answer:  # noqa: S310 - always http
        found: list[dict[str, Any]] = json.loads(answer.read())
        return found


def test_alertmanager_knows_an_alert_until_it_is_resolved(alertmanager_url: str) -> None:
    send, deadline = alertmanager(channel(alertmanager={"url": alertmanager_url})), time.monotonic() + DEADLINE
    while True:
        try:
            send(ALERT, 0)
            break
        except NotDeliveredError:
            assert time.monotonic() < deadline, "Alertmanager does not come up"
            time.sleep(0.1)
    found = wait_until(lambda: _asked(alertmanager_url), "alert")
    assert found[0]["labels"] == {
        "alertname": "vertical-scan",
        "severity": "high",
        "source": "argosy",
        "saddr": "10.0.0.66",
        "daddr": "10.0.0.30",
        "tag_team": "soc",
    }
    assert found[0]["annotations"]["query"] == ALERT.query
    send(dataclasses.replace(ALERT, state=RESOLVED, revision=1), 0)
    wait_until(lambda: not _asked(alertmanager_url), "resolution of the alert")
