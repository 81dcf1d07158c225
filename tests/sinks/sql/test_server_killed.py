"""A database killed and started again: the sink waits, and what it wrote is there once."""

from collections.abc import Iterator

import pytest

from sinks.position import Position
from sinks.sql import SqlSink
from sinks.sql.reader import read_flows
from tests.database_server import DatabaseServer
from tests.mariadb import MariadbServer
from tests.postgresql import PostgresqlServer
from tests.topics.filter_texts import flows
from topics.errors import DatabaseAwayError, ServerError

BATCH = flows(50, seed=1)


@pytest.fixture(params=[PostgresqlServer, MariadbServer], ids=lambda kind: str(kind.name))
def server(request: pytest.FixtureRequest) -> Iterator[DatabaseServer]:
    try:
        made: DatabaseServer = request.param()
    except ServerError as error:
        pytest.skip(str(error))
    with made as running:
        yield running


def test_a_killed_server_is_waited_for(server: DatabaseServer) -> None:
    now = [0.0]
    sink = SqlSink(server.url, linger=1.0, clock=lambda: now[0])
    sink.write(BATCH.select(slice(0, 20)), Position("p", 0))
    sink.flush()
    server.kill()
    sink.write(BATCH.select(slice(10, 50)), Position("p", 1))
    with pytest.raises(DatabaseAwayError, match=r"^(mysql|postgresql)://argosy@127\.0\.0\.1:[^\n]+$") as caught:
        sink.flush()
    assert server.password not in str(caught.value)
    now[0] = 2.0
    sink.advance(0)
    assert (sink.held > 0, sink.safe_offsets()) == (True, {"p": 1})
    server.start()
    now[0] = 10.0
    sink.advance(0)
    assert (sink.held, sink.safe_offsets()) == (0, {"p": 2})
    sink.close()
    assert sum(frame.height for frame in read_flows(server.url)) == 50
