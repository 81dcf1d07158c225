"""Filters, rates, retries, dead letters: what becomes of an alert on its way."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from sinks.alerts.delivery import Delivery, wanted
from sinks.alerts.refusals import NotDeliveredError
from sinks.alerts.settings import Channel, read_channels, secret
from tests.sinks.alerts.servers import ALERT
from topics.alerts import Alert
from topics.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

HOOK = {"webhook": {"url": "http://127.0.0.1:1"}}


def channel(**said: object) -> Channel:
    return Channel.model_validate({"name": "one", **HOOK} | said)


class Hand:
    """A channel, a clock and what was waited for."""

    def __init__(self, refusals: list[NotDeliveredError], **said: object) -> None:
        self.now, self.sent, self.letters, self.waits = 0.0, list[tuple[Alert, int]](), list[str](), list[float]()
        self._refusals = refusals
        self.delivery = Delivery(channel(**said), self._send, lambda: self.now)

    def take(self, alert: Alert) -> bool:
        return self.delivery.take(alert, self.letters.append, self._wait)

    def _send(self, alert: Alert, held_back: int) -> None:
        if self._refusals:
            raise self._refusals.pop(0)
        self.sent.append((alert, held_back))

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


def test_a_passing_refusal_is_tried_again_with_growing_pauses() -> None:
    hand = Hand([NotDeliveredError("busy"), NotDeliveredError("busy"), NotDeliveredError("busy", wait=30)])
    assert hand.take(ALERT)
    assert hand.waits == [1.0, 2.0, 30.0]
    assert hand.sent == [(ALERT, 0)]
    assert dataclasses.astuple(hand.delivery.counts) == (1, 0, 0, 3, 0)


def test_what_is_refused_for_good_or_for_too_long_goes_to_the_dead_letters() -> None:
    hand = Hand([NotDeliveredError("answered 400 Bad Request", passes=False)])
    assert hand.take(ALERT)
    assert hand.letters == ["channel 'one': answered 400 Bad Request"]
    hand = Hand([NotDeliveredError("away")] * 100, patience="20s")
    assert hand.take(ALERT)
    assert hand.letters == ["channel 'one': away"]
    assert sum(hand.waits) <= 20
    assert hand.delivery.counts.dead == 1
    assert hand.sent == []


def test_an_end_in_between_leaves_the_alert_to_the_next() -> None:
    hand = Hand([NotDeliveredError("away")])
    assert not hand.delivery.take(ALERT, hand.letters.append, lambda _: True)
    assert hand.letters == []


def test_beyond_the_rate_alerts_are_held_back_and_counted_in_the_next() -> None:
    hand = Hand([], rate={"most": 2, "within": "1m"})
    for _ in range(5):
        assert hand.take(ALERT)
    hand.now = 60.0
    assert hand.take(ALERT)
    assert [held_back for _, held_back in hand.sent] == [0, 0, 3]
    assert hand.delivery.counts.held_back == 3


@pytest.mark.parametrize(
    ("when", "gets"),
    [
        ({}, True),
        ({"severity": "high"}, True),
        ({"severity": "critical"}, False),
        ({"rules": "vertical.*"}, True),
        ({"rules": "vertical"}, False),
        ({"states": "resolved"}, False),
        ({"subject": {"saddr": "10[.].*"}}, True),
        ({"subject": {"saddr": "11[.].*"}}, False),
        ({"subject": {"probe": ".*"}}, False),
    ],
)
def test_a_channel_gets_what_it_asks_for(when: dict[str, object], gets: bool) -> None:
    assert wanted(channel(when=when))(ALERT) is gets


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("channels: []", "channels: "),
        ("channels: [{name: a}]", "channels.0: should have one of webhook"),
        ("channels: [{name: a, webhook: {url: ftp://x}}]", "channels.0.webhook.url: should be http"),
        ("channels: [{name: a, webhook: {url: http://x, secret: plain}}]", "env:NAME or file:/PATH"),
        ("channels: [{name: a, syslog: {address: udp://x}}]", "channels.0.syslog.address: should be udp://HOST:PORT"),
        ("channels: [{name: a, email: {server: x:25, from: a, to: b@c}}]", "channels.0.email.from"),
        ("channels: [{name: a, apprise: {url: http://x}}]", "env:NAME or file:/PATH"),
        ("channels: [{name: a, webhook: {url: http://x}, wen: {}}]", "channels.0.wen: no such key"),
        ("channels: [{name: a, webhook: {url: http://x}, when: {rules: '('}}]", "no regular expression"),
        ("channels: [", "line 1: no YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "channels.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        read_channels(str(tmp_path / "channels.yaml"))
    assert str(error.value).startswith(f"{tmp_path / 'channels.yaml'}:")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_secrets_are_read_from_files_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text("sesame\n")
    monkeypatch.setenv("WORD", "open")
    assert secret(f"file:{tmp_path / 'word'}", "one") == "sesame"
    assert secret("env:WORD", "one") == "open"
    with pytest.raises(SettingsError, match="channel 'one': the environment has no MISSING"):
        secret("env:MISSING", "one")
    with pytest.raises(SettingsError, match="No such file"):
        secret("file:/nowhere/at/all", "one")
