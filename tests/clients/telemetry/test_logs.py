"""Log lines: what they look like, where they go, and who says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import structlog

from clients.options import parse
from clients.telemetry.logs import LogSettings, configure
from clients.telemetry.options import OPTIONS, address, log_settings
from topics.errors import ArgosyError, SettingsError, UsageError
from topics.metrics.table import LOG_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("METRICS", "LOG", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(f"ARGOSY_{name}", raising=False)
    LOG_LINES.reset()
    yield
    structlog.reset_defaults()
    LOG_LINES.reset()


def test_json_is_an_object_a_line(tmp_path: Path) -> None:
    configure("worker", LogSettings(str(tmp_path / "log"), "info", "json"))
    log = structlog.get_logger()
    log.debug("too detailed")
    log.info("assigned", partitions=[0, 1], reason='a "quoted"\nline')
    log.warning("away")
    first, second = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert {name: first[name] for name in first if name != "timestamp"} == {
        "event": "assigned", "level": "info", "program": "worker", "partitions": [0, 1], "reason": 'a "quoted"\nline',
    }  # fmt: skip
    assert first["timestamp"].endswith("Z")
    assert second["event"] == "away"
    assert LOG_LINES.read() == {("info",): 1, ("warning",): 1}


def test_text_is_a_line_of_keys_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker", LogSettings("", "warning"))
    structlog.get_logger().info("nothing")
    structlog.get_logger().error("the brokers do not answer", topic="flows")
    line = capsys.readouterr().err
    assert line.startswith("timestamp=20")
    assert line.endswith('level=error event="the brokers do not answer" topic=flows\n')


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, given = parse(OPTIONS, []), parse(OPTIONS, ["--log-format", "text", "--log", "a", "--metrics", ":1"])
    assert (log_settings(nothing), address(nothing)) == (LogSettings("", "info", "text"), "")
    for name, value in {"METRICS": ":2", "LOG": "b", "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}.items():
        monkeypatch.setenv(f"ARGOSY_{name}", value)
    assert (log_settings(nothing), address(nothing)) == (LogSettings("b", "debug", "json"), ":2")
    assert (log_settings(given), address(given)) == (LogSettings("a", "debug", "text"), ":1")


@pytest.mark.parametrize(
    ("words", "value", "error", "text"),
    [
        (["--log-level", "loud"], "", UsageError, "option --log-level takes error, warning, info or debug, not 'loud'"),
        ([], "xml", SettingsError, "ARGOSY_LOG_FORMAT should be text or json, not 'xml'"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, words: list[str], value: str, error: type[ArgosyError], text: str
) -> None:
    monkeypatch.setenv("ARGOSY_LOG_FORMAT", value)
    with pytest.raises(error, match=text):
        log_settings(parse(OPTIONS, words))
