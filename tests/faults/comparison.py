"""In what two tables of flows differ: by sums of hashes, row by row only where those differ.

To compare millions of wide rows with each other, a database sorts both tables, which takes it most of an hour. Here it
reads each once and adds up a hash of 64 bits of every row, by buckets of flow ids. Rows are compared in the buckets
whose sums differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from psycopg import Connection

BUCKET = "coalesce(uuid_hash_extended(flow_id, 0) & 4095, -1)"
SUMS = f"SELECT {BUCKET}, count(*), sum(hash_record_extended(flows, 0)) FROM {{}}.flows GROUP BY 1"
CHOSEN = f"SELECT * FROM {{}}.flows WHERE {BUCKET} = ANY(%(buckets)s)"
ONLY_THERE = f"SELECT count(*) FROM ({CHOSEN} EXCEPT ALL {CHOSEN}) AS difference"


class Difference(NamedTuple):
    """How many rows are in the first table only, in the second only, and in how many buckets they are."""

    lost: int
    other: int
    buckets: int


def difference(connection: Connection[Any], first: str, second: str) -> Difference:
    """Compare the tables `flows` of two schemas: every column, and how often a row is there."""
    unlike = _sums(connection, first) ^ _sums(connection, second)
    buckets = sorted({bucket for bucket, _, _ in unlike})
    lost = _only_there(connection, first, second, buckets)
    other = _only_there(connection, second, first, buckets)
    return Difference(lost, other, len(buckets))


def _sums(connection: Connection[Any], schema: str) -> set[tuple[Any, ...]]:
    return set(connection.execute(SUMS.format(schema).encode()))


def _only_there(connection: Connection[Any], there: str, elsewhere: str, buckets: list[int]) -> int:
    query = ONLY_THERE.format(there, elsewhere)
    (count,) = connection.execute(query.encode(), {"buckets": buckets}).fetchone() or (0,)
    return int(count)
