"""A PostgreSQL server of its own for the tests: Debian's binaries, a throw-away data directory, loopback only."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import psycopg

from deploy.kafka.ports import free_port
from topics.errors import ServerError

INSTALL = "apt-get install postgresql"
SECONDS = 60.0


def binaries() -> Path:
    """Directory of initdb and postgres: the newest that Debian installed, else that of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise ServerError(f"there is no PostgreSQL server here; install it with: {INSTALL}")
    return Path(found).parent


def unprivileged_user() -> str | None:
    """Return the account to run under when we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresqlServer:
    """Context manager of one server. Its superuser has a password, so that messages can be checked not to show it."""

    def __init__(self) -> None:
        self._binaries = binaries()
        self._user = unprivileged_user()
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.url = f"postgresql://argosy:{self.password}@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="argosy-postgresql-"))
        self._log = self._directory / "server.log"
        self._initialize()
        self._process = self._launch()
        try:
            self._wait_for_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)  # "fast": ends sessions, then itself
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory)

    def _initialize(self) -> None:
        password_file = self._directory / "password"
        password_file.write_text(self.password)
        if self._user is not None:
            for path in (self._directory, password_file):
                shutil.chown(path, self._user)
        command = [
            str(self._binaries / "initdb"),
            f"--pgdata={self._directory / 'data'}",
            "--username=argosy",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        done = subprocess.run(
            command, cwd=self._directory, user=self._user, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed: {done.stderr.strip().splitlines()[-1]}")

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [str(self._binaries / "postgres"), "-D", str(self._directory / "data"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self._directory,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise ServerError(f"PostgreSQL did not start: {said or error}") from error
                time.sleep(0.05)
            else:
                return
