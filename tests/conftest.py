"""Real servers for the tests, started once a session, or the ones that the environment names."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from deploy.kafka.jars import jar_directory, java_command
from sinks.sql.mysql import connect
from tests import mariadb, servers
from tests.local_time import local_time
from tests.postgresql import binaries
from tests.shared_servers import used
from topics.errors import ServerError

pytest_plugins = ["tests.no_skips", "tests.process_state", "tests.several_processes"]
LONGEST_FIRST = (
    "tests/faults/",
    "tests/sinks/test_kafka.py",
    "tests/deploy/",
    "tests/fuzz/",
    "tests/kafka/",
    "tests/differential/",
    "tests/clients/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, or one process works on the last of them while the other is idle."""
    items.sort(key=lambda item: next((n for n, d in enumerate(LONGEST_FIRST) if item.nodeid.startswith(d)), 99))


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC, for what prints times and for what it starts."""
    with local_time(monkeypatch, "UTC"):
        yield


@pytest.fixture(scope="session")
def kafka_installed() -> None:
    """Java and Kafka's jars are here; skips when they cannot be had."""
    try:
        java_command()
        jar_directory()
    except ServerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kafka_bootstrap(
    request: pytest.FixtureRequest, shared_place: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """host:port of a real Kafka: that of ARGOSY_TEST_BOOTSTRAP, else of a node shared by the whole run."""
    given = os.environ.get("ARGOSY_TEST_BOOTSTRAP")
    if given:
        yield given
        return
    request.getfixturevalue("kafka_installed")
    with used(servers.kafka, shared_place, tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """Start of the names of a test's own topics and groups, ending in a dot: tests share one broker."""
    return f"test-{uuid.uuid4().hex[:12]}."


@pytest.fixture(scope="session")
def postgresql_url(shared_place: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL: that of ARGOSY_TEST_POSTGRESQL, else of a server shared by the whole run."""
    given = os.environ.get("ARGOSY_TEST_POSTGRESQL")
    if given:
        yield given
        return
    try:
        binaries()
    except ServerError as error:
        pytest.skip(str(error))
    with used(servers.postgresql, shared_place, tmp_path_factory.getbasetemp()) as url:
        yield url


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """URL of an empty database that belongs to one test and is dropped after it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgresql_url.rsplit("/", 1)[0] + f"/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def mariadb_server(shared_place: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database of a real MariaDB: that of ARGOSY_TEST_MARIADB, else of one shared by the whole run."""
    given = os.environ.get("ARGOSY_TEST_MARIADB")
    if given:
        yield given
        return
    try:
        mariadb.binaries()
    except ServerError as error:
        pytest.skip(str(error))
    with used(servers.mariadb, shared_place, tmp_path_factory.getbasetemp()) as url:
        yield url


@pytest.fixture
def mariadb_database(mariadb_server: str) -> Iterator[str]:
    """URL of an empty database that belongs to one test and is dropped after it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with connect(make_url(mariadb_server)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield mariadb_server.rsplit("/", 1)[0] + f"/{name}"
        cursor.execute(f"DROP DATABASE {name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that keeps anew what Argus makes of its sample (see tests/topics/conftest.py)."""
    parser.addoption("--store-argus", action="store_true", help="keep anew what Argus makes of the sample")
