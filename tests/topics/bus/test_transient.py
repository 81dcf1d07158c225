import itertools
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from topics.bus import transient
from topics.bus.transient import passes, patiently


def failing(times: int, code: int) -> Callable[[float], str]:
    """Something that answers after so many errors."""
    errors = itertools.repeat(KafkaException(KafkaError(code)), times)

    def ask(left: float) -> str:
        assert left > 0
        for error in errors:
            raise error
        return "answer"

    return ask


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient, "RETRY_SECONDS", 0.001)


def test_what_passes_is_asked_again() -> None:
    assert patiently(failing(3, KafkaError.NOT_LEADER_FOR_PARTITION), 60) == "answer"
    assert patiently(failing(1, KafkaError.COORDINATOR_LOAD_IN_PROGRESS), 60) == "answer"


def test_what_does_not_pass_is_raised_at_once() -> None:
    ask = failing(1, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException):
        patiently(ask, 60)
    assert ask(1) == "answer"


def test_patience_ends() -> None:
    with pytest.raises(KafkaException):
        patiently(failing(10**9, KafkaError.LEADER_NOT_AVAILABLE), 0.01)
    with pytest.raises(KafkaException):
        patiently(failing(10**9, KafkaError.LEADER_NOT_AVAILABLE), 60, given_up=lambda: True)


def test_a_call_waits_for_so_long_at_once() -> None:
    waits: list[float] = []

    def ask(left: float) -> None:
        waits.append(left)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    with pytest.raises(KafkaException):
        patiently(ask, 60, given_up=lambda: len(waits) == 3, at_once=2.0)
    assert waits == [2.0, 2.0, 2.0]


def test_an_error_of_the_user_does_not_pass() -> None:
    assert passes(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
    assert passes(KafkaError(-180)), "waiting for a coordinator"
    assert not passes(KafkaError(KafkaError.SASL_AUTHENTICATION_FAILED))
