"""How far event time has come, over runs and partitions, for what reads all of them."""

from __future__ import annotations

import json

from processors.engine.alert_clock import FORGOTTEN, QUIET, SECOND, AlertClock
from topics.batch import END_OF_RUN

NOW = 1_773_133_200.0
THEN = int(NOW) * SECOND
ONE, TWO = ("site", "one", 1), ("site", "two", 1)
ALL_READ: set[int] = set()


def test_a_live_run_has_come_as_far_as_any_partition_says_once_all_are_read() -> None:
    clock = AlertClock(SECOND, 2)
    clock.hear(0, ONE, THEN, NOW, THEN + 5 * SECOND)
    assert clock.time({1}, NOW) <= 0
    assert clock.time(ALL_READ, NOW) == THEN - SECOND
    clock.hear(1, TWO, THEN - 9 * SECOND, NOW)
    assert clock.time(ALL_READ, NOW) == THEN - 10 * SECOND


def test_a_run_of_the_past_has_come_as_far_as_all_partitions_say() -> None:
    clock = AlertClock(0, 2)
    past = THEN - 86_400 * SECOND
    clock.hear(0, ONE, past + 600 * SECOND, NOW, past + 605 * SECOND)
    assert clock.time(ALL_READ, NOW) == 0
    clock.hear(1, ONE, past, NOW)
    assert clock.time(ALL_READ, NOW) == past
    for number in (0, 1):
        clock.hear(number, ONE, END_OF_RUN, NOW)
    assert clock.time(ALL_READ, NOW) == past + 606 * SECOND


def test_a_run_that_fell_silent_holds_nobody_back_for_long_and_time_goes_on() -> None:
    clock = AlertClock(0, 1)
    clock.hear(0, ONE, THEN, NOW)
    clock.hear(0, TWO, THEN + 50 * SECOND, NOW + 50)
    assert clock.time(ALL_READ, NOW + 50) == THEN
    assert clock.time(ALL_READ, NOW + 50 + QUIET + 30) == THEN + 80 * SECOND
    assert clock.time(ALL_READ, NOW + 50 + QUIET + FORGOTTEN) == THEN + 50 * SECOND + int(FORGOTTEN) * SECOND


def test_a_successor_knows_what_was_known() -> None:
    clock, successor = AlertClock(0, 2), AlertClock(0, 2)
    clock.hear(0, ONE, THEN - 86_400 * SECOND, NOW)
    clock.hear(1, ONE, THEN - 86_300 * SECOND, NOW)
    successor.restore(json.loads(json.dumps(clock.save())), NOW)
    assert successor.time(ALL_READ, NOW) == clock.time(ALL_READ, NOW) == THEN - 86_400 * SECOND
