"""A MariaDB server of its own for the tests: Debian's binaries."""

import os
import shutil

import pymysql

from tests.database_server import DatabaseServer
from topics.errors import ServerError

INSTALL = "apt-get install mariadb-server"
NAMES = ("mariadb-install-db", "mariadbd")
NO_SYNC = ("--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-log-file-size=32M")


def binaries() -> tuple[str, str]:
    """Paths of what makes a data directory and of the server."""
    found = tuple(shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in NAMES)
    if found[0] is None or found[1] is None:
        raise ServerError(f"there is no MariaDB server here; install it with: {INSTALL}")
    return found[0], found[1]


class MariadbServer(DatabaseServer):
    """A server that writes without waiting for the disk."""

    name = "MariaDB"
    account = "mysql"

    def __init__(self) -> None:
        super().__init__()
        self._install, self._server = binaries()
        self.url = f"mysql://argosy:{self.password}@127.0.0.1:{self.port}/argosy"

    def _initialize(self) -> None:
        accounts = self._directory / "accounts.sql"
        accounts.write_text(
            f"CREATE USER IF NOT EXISTS argosy@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO argosy@'127.0.0.1' WITH GRANT OPTION;\nCREATE DATABASE IF NOT EXISTS argosy;\n"
        )
        self._give_away(self._directory, accounts)
        command = [self._install, "--no-defaults", f"--datadir={self._directory / 'data'}", *NO_SYNC]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        command += [f"--user={self._user}"] if self._user else []
        self._run(command, user=None)  # it changes to the user itself

    def _command(self) -> list[str]:
        command = [self._server, "--no-defaults", f"--datadir={self._directory / 'data'}", *NO_SYNC]
        command += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self._directory / 'socket'}"]
        command += [f"--pid-file={self._directory / 'pid'}", f"--init-file={self._directory / 'accounts.sql'}"]
        return [*command, "--skip-name-resolve", "--max-connections=100"]

    def _refusal(self) -> Exception | None:
        try:
            pymysql.connect(
                host="127.0.0.1", port=self.port, user="argosy", password=self.password, connect_timeout=5
            ).close()
        except pymysql.Error as error:
            return error
        return None
