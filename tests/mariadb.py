"""A MariaDB server of its own for the tests: Debian's binaries, a throw-away data directory, loopback only."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pymysql

from deploy.kafka.ports import free_port
from topics.errors import ServerError

INSTALL = "apt-get install mariadb-server"
SECONDS = 60.0
NO_SYNC = ("--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-log-file-size=32M")


def binaries() -> tuple[str, str]:
    """Paths of what makes a data directory and of the server."""
    found = tuple(shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in NAMES)
    if found[0] is None or found[1] is None:
        raise ServerError(f"there is no MariaDB server here; install it with: {INSTALL}")
    return found[0], found[1]


NAMES = ("mariadb-install-db", "mariadbd")


class MariadbServer:
    """Context manager of one server, which can be stopped and started. Its user has a password."""

    def __init__(self) -> None:
        self._install, self._server = binaries()
        accounts = {account.pw_name for account in pwd.getpwall()}
        self._user = None if os.geteuid() else "mysql" if "mysql" in accounts else "nobody"
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.url = f"mysql://argosy:{self.password}@127.0.0.1:{self.port}/argosy"

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="argosy-mariadb-"))
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

    def stop(self) -> None:
        """End the server in order."""
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the server at once."""
        self._process.kill()
        self._process.wait()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = self._launch()
        try:
            self._wait_for_answer()
        except BaseException:
            self.stop()
            raise

    def _initialize(self) -> None:
        accounts = self._directory / "accounts.sql"
        accounts.write_text(
            f"CREATE USER IF NOT EXISTS argosy@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO argosy@'127.0.0.1' WITH GRANT OPTION;\nCREATE DATABASE IF NOT EXISTS argosy;\n"
        )
        if self._user is not None:
            for path in (self._directory, accounts):
                shutil.chown(path, self._user)
        command = [self._install, "--no-defaults", f"--datadir={self._directory / 'data'}", *NO_SYNC]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        command += [f"--user={self._user}"] if self._user else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise ServerError(f"mariadb-install-db failed: {(done.stderr.strip() or done.stdout).splitlines()[-1]}")

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [self._server, "--no-defaults", f"--datadir={self._directory / 'data'}", *NO_SYNC]
        command += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self._directory / 'socket'}"]
        command += [f"--pid-file={self._directory / 'pid'}", f"--init-file={self._directory / 'accounts.sql'}"]
        command += ["--skip-name-resolve", "--max-connections=100"]
        with self._log.open("ab") as log:
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
                pymysql.connect(
                    host="127.0.0.1", port=self.port, user="argosy", password=self.password, connect_timeout=5
                ).close()
            except pymysql.Error as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise ServerError(f"MariaDB did not start: {said or error}") from error
                time.sleep(0.05)
            else:
                return
