"""The servers that tests share, each as a function from its directory to its address while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.kafka.node import KafkaNode
from tests.mariadb import MariadbServer
from tests.postgresql import PostgresqlServer


@contextmanager
def kafka(directory: Path) -> Iterator[str]:
    """host:port of a Kafka node."""
    with KafkaNode(directory) as node:
        yield node.bootstrap


@contextmanager
def postgresql(_: Path) -> Iterator[str]:
    """URL of a database of PostgreSQL."""
    with PostgresqlServer() as server:
        yield server.url


@contextmanager
def mariadb(_: Path) -> Iterator[str]:
    """URL of a database of MariaDB."""
    with MariadbServer() as server:
        yield server.url
