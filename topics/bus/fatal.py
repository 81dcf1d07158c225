"""Calls of a producer that may find it broken for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from confluent_kafka import KafkaException

from topics.bus.administration import refused
from topics.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def served(url: str, call: Callable[[], Result]) -> Result:
    """Return what a call that serves callbacks returns; raises BusError when the producer is of no use any more.

    confluent-kafka raises a fatal error there instead of giving it to the error callback; callbacks that run after it
    trip over the exception that is already set, which makes a SystemError of it.
    """
    try:
        return call()
    except KafkaException as error:
        raise BusError(f"{url}: {refused(error.args[0])}") from None
    except SystemError as error:
        if isinstance(error.__cause__, KafkaException):
            raise BusError(f"{url}: {refused(error.__cause__.args[0])}") from None
        raise
