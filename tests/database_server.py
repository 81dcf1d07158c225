"""A database server of a test: a throw-away data directory, loopback only, a user of its own when we are root."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from deploy.kafka.ports import free_port
from topics.errors import ServerError

SECONDS = 60.0


class DatabaseServer(ABC):
    """Context manager of one server, which can be stopped, killed and started. Its user `argosy` has a password."""

    name: str
    account: str  # of the system, where the package made it
    url: str
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        accounts = {account.pw_name for account in pwd.getpwall()}
        self._user = None if os.geteuid() else self.account if self.account in accounts else "nobody"
        self.port = free_port()
        self.password = secrets.token_hex(16)

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix=f"argosy-{self.name.lower()}-"))
        self._log = self._directory / "server.log"
        try:
            self._initialize()
            self.start()
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._directory,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_for_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server in order."""
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server and all that it started at once: a backend still at work would keep the next from starting."""
        self._process.send_signal(signal.SIGSTOP)  # so that it starts nothing more
        started = _children(self._process.pid)
        self._process.kill()
        self._process.wait()
        for number in map(int, started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while any(map(_is_alive, started)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + SECONDS
        while (refusal := self._refusal()) is not None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                raise ServerError(f"{self.name} did not start: {said or refusal}")
            time.sleep(0.05)

    def _run(self, command: list[str], *, user: str | None) -> None:
        """Run a command that makes the data directory."""
        done = subprocess.run(
            command, cwd=self._directory, user=user, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise ServerError(f"{Path(command[0]).name} failed: {said}")

    def _give_away(self, *paths: Path) -> None:
        if self._user is not None:
            for path in paths:
                shutil.chown(path, self._user)

    @abstractmethod
    def _initialize(self) -> None:
        """Make the data directory."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line of the server."""

    @abstractmethod
    def _refusal(self) -> Exception | None:
        """Return why nobody can connect yet, None when one can."""


def _children(number: int) -> list[str]:
    """Return the processes that a process started and that are still there."""
    try:
        return Path(f"/proc/{number}/task/{number}/children").read_text().split()
    except FileNotFoundError:
        return []


def _is_alive(number: str) -> bool:
    """Whether a process is there that has not ended."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
