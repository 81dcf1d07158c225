"""When sources are asked."""

from probes.events.schedule import Schedule


class Late:
    def __init__(self, share: float) -> None:
        self.share = share

    def random(self) -> float:
        return self.share


def test_times_stay_on_their_grid_however_late_chance_makes_each() -> None:
    schedule = Schedule(10.0, 0.1, Late(1.0))
    assert schedule.next_time(100.0) == (101.0, 0)
    assert schedule.next_time(101.5) == (111.0, 0)
    assert schedule.next_time(111.5) == (121.0, 0)


def test_times_that_pass_while_a_source_is_busy_are_counted_not_made_up_for() -> None:
    schedule = Schedule(10.0, 0.0, Late(0.0))
    assert schedule.next_time(0.0) == (0.0, 0)
    assert schedule.next_time(35.0) == (40.0, 3)
    assert schedule.next_time(40.1) == (50.0, 0)


def test_the_first_time_is_soon_and_once_is_once() -> None:
    assert Schedule(3600.0, 1.0, Late(1.0)).next_time(0.0) == (1.0, 0)
    once = Schedule(0.0)
    assert once.next_time(5.0) == (5.0, 0)
    assert once.next_time(6.0) is None
