"""What signals that end a program do to a command, and that they do what they did before it afterwards."""

import os
import signal

import pytest

from clients.ending import heeding, stopped_by_signals

ENDING = signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize("number", ENDING)
def test_a_service_is_told_once_and_ended_by_the_second_signal(number: signal.Signals) -> None:
    before = {caught: signal.getsignal(caught) for caught in ENDING}
    with stopped_by_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.is_set()
        assert signal.getsignal(number) is before[number]
    assert {caught: signal.getsignal(caught) for caught in ENDING} == before


def test_what_ends_by_an_error_heeds_no_signals_any_more() -> None:
    before = {caught: signal.getsignal(caught) for caught in (*ENDING, signal.SIGHUP)}
    with pytest.raises(RuntimeError), heeding(lambda: None, lambda: None):
        raise RuntimeError
    assert {caught: signal.getsignal(caught) for caught in before} == before


def test_sighup_reloads_only_what_can_be_reloaded() -> None:
    reloads: list[None] = []
    with heeding(lambda: None, lambda: reloads.append(None)):
        os.kill(os.getpid(), signal.SIGHUP)
    assert reloads == [None]
    before = signal.getsignal(signal.SIGHUP)
    with heeding(lambda: None):
        assert signal.getsignal(signal.SIGHUP) is before
