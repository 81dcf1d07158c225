"""Errors of a broker that pass by themselves: a leader being chosen, a coordinator being loaded, a connection lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from confluent_kafka import KafkaError, KafkaException

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

RETRY_SECONDS = 0.1
WAITING_FOR_COORDINATOR = -180  # librdkafka: RD_KAFKA_RESP_ERR__WAIT_COORD
UNRESOLVED = -193  # librdkafka: RD_KAFKA_RESP_ERR__RESOLVE
PASSING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._TRANSPORT,  # noqa: SLF001 - the public names of what librdkafka itself reports
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._NOENT,  # noqa: SLF001 - no partition that was asked for has a leader yet
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - a broker that just started may not know yet what it has
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        WAITING_FOR_COORDINATOR,
        UNRESOLVED,
    }
)
REBALANCING = frozenset(
    {
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    }
)


def passes(error: KafkaError) -> bool:
    """Tell whether an error goes away when one waits."""
    return error.code() in PASSING


def patiently(
    ask: Callable[[float], Result],
    seconds: float,
    given_up: Callable[[], bool] = lambda: False,
    at_once: float = float("inf"),
) -> Result:
    """Return what `ask`, called with the seconds left, answers; asked again while the broker has a passing trouble.

    It is called with `at_once` seconds at the most: a signal is not handled, and `given_up` not asked, while it waits.
    Raises the last KafkaException when `seconds` are over or `given_up` says so, and at once one that does not pass.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = min(at_once, max(0.01, deadline - time.monotonic()))
        try:
            return ask(left)
        except KafkaException as error:
            if not passes(error.args[0]) or given_up() or time.monotonic() + RETRY_SECONDS > deadline:
                raise
            time.sleep(RETRY_SECONDS)
