"""A PostgreSQL server of its own for the tests: Debian's binaries."""

import shutil
import signal
from pathlib import Path

import psycopg

from tests.database_server import DatabaseServer
from topics.errors import ServerError

INSTALL = "apt-get install postgresql"


def binaries() -> Path:
    """Directory of initdb and postgres: the newest that Debian installed, else that of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise ServerError(f"there is no PostgreSQL server here; install it with: {INSTALL}")
    return Path(found).parent


class PostgresqlServer(DatabaseServer):
    """A server whose superuser has a password, so that messages can be checked not to show it.

    `settings` are those of postgresql.conf, `name=value`.
    """

    name = "PostgreSQL"
    account = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, then itself

    def __init__(self, *settings: str) -> None:
        super().__init__()
        self._settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", *settings)
        self._binaries = binaries()
        self.url = f"postgresql://argosy:{self.password}@127.0.0.1:{self.port}/postgres"

    def _initialize(self) -> None:
        password_file = self._directory / "password"
        password_file.write_text(self.password)
        self._give_away(self._directory, password_file)
        command = [str(self._binaries / "initdb"), f"--pgdata={self._directory / 'data'}", "--username=argosy"]
        command += [f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run(command, user=self._user)

    def _command(self) -> list[str]:
        command = [str(self._binaries / "postgres"), "-D", str(self._directory / "data"), "-p", str(self.port)]
        return [*command, *(word for setting in self._settings for word in ("-c", setting))]

    def _refusal(self) -> Exception | None:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return error
        return None
