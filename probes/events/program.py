"""Running a program: no shell, bounded time and output, and nothing of it left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from probes.events.answer import FAILED, FLOODED, MOST_ERRORS, OK, TIMEOUT, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PIECE = 64 * 1024
LOOK_SECONDS = 0.25  # how often a program that closed its output, or has to stop, is looked at
ENVIRONMENT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HOME",
    "USER",
)  # settings of ours may hold secrets: nothing else is passed


@dataclass(slots=True)
class _Taken:
    """What a pipe gave: the first `most` bytes, and how many there were."""

    most: int
    data: bytearray
    size: int = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.data += piece[: self.most - len(self.data)]


def run_program(
    arguments: Sequence[str], *, timeout: float, most: int, stopping: Callable[[], bool] = lambda: False
) -> Answer:
    """Run a program and return what it wrote, at most `most` bytes, within `timeout` seconds or until `stopping`.

    It gets a session of its own; whatever is left of its process group when it is over is killed.
    """
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            cwd="/",
        )
    except (OSError, ValueError) as error:
        return Answer(status=FAILED, reason=f"{arguments[0]}: {getattr(error, 'strerror', None) or error}")
    output, errors = _Taken(most, bytearray()), _Taken(MOST_ERRORS, bytearray())
    try:
        verdict = _listen(process, output, errors, time.monotonic() + timeout, stopping)
    finally:
        _end(process)
    status, reason = verdict or _outcome(process.returncode)
    if status == TIMEOUT:
        reason = f"{arguments[0]} was still busy after {timeout:g} s" if not stopping() else "the probe is stopping"
    if status == FLOODED:
        reason = f"{arguments[0]} wrote more than {most} bytes"
    return Answer(bytes(output.data), bytes(errors.data), status, reason, process.returncode, output.size)


def _listen(
    process: subprocess.Popen[bytes], output: _Taken, errors: _Taken, deadline: float, stopping: Callable[[], bool]
) -> tuple[str, str] | None:
    """Read both pipes until the program is over; return what cut that short."""
    with selectors.DefaultSelector() as selector:
        for pipe, taken in ((process.stdout, output), (process.stderr, errors)):
            assert pipe is not None  # noqa: S101 - both were asked for
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, taken)
        while True:
            is_over = process.poll() is not None
            heard = _read(selector, 0.0 if is_over else min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
            if output.size > output.most:
                return FLOODED, ""
            if is_over and not heard:
                return None
            if time.monotonic() >= deadline or stopping():
                return None if is_over else (TIMEOUT, "")


def _read(selector: selectors.BaseSelector, wait: float) -> bool:
    """Take what the pipes have; tell whether there was any."""
    heard = False
    if not selector.get_map():
        time.sleep(min(wait, 0.01))
        return False
    for key, _ in selector.select(wait):
        pipe: Any = key.fileobj
        piece = pipe.read(PIECE)
        if piece:
            key.data.add(piece)
            heard = True
        elif piece is not None:
            selector.unregister(pipe)
    return heard


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the program and its children, and reap it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _outcome(exit_status: int) -> tuple[str, str]:
    if not exit_status:
        return OK, ""
    ended = f"ended by signal {-exit_status}" if exit_status < 0 else f"exit status {exit_status}"
    return FAILED, ended
