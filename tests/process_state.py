"""Pytest plugin: a test leaves the process as it found it, so that none depends on which ran before it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM
PYTEST_S_OWN = "PYTEST_"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _process_left_alone() -> Iterator[None]:
    """Fail what leaves signals, the environment or the directory changed; logs go nowhere until a test says where."""
    zone, before = os.environ.get("TZ"), _state()
    yield
    structlog.reset_defaults()
    _set_zone(zone)
    after = _state()
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    for number in SIGNALS:
        signal.signal(number, before[number.name])  # type: ignore[arg-type]  # as getsignal returned it
    assert not changed, f"left changed: {', '.join(changed)}"


def _state() -> dict[str, object]:
    state: dict[str, object] = {number.name: signal.getsignal(number) for number in SIGNALS}
    state |= {f"${name}": value for name, value in os.environ.items() if not name.startswith(PYTEST_S_OWN)}
    return state | {"the working directory": Path.cwd()}


def _set_zone(zone: str | None) -> None:
    """Undo what `-M TZ=` does, which sets the zone of a command's whole process."""
    if os.environ.get("TZ") == zone:
        return
    if zone is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = zone
    time.tzset()
