from topics.metrics.vitals import STALE_SECONDS, START_SECONDS, Vitals


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_loop_that_does_not_turn_any_more_is_told() -> None:
    clock = Clock()
    vitals = Vitals(clock)
    clock.now += START_SECONDS
    vitals.turned("reading")
    vitals.turned("writing")
    clock.now += STALE_SECONDS - 1
    vitals.turned("writing")
    assert all(check.ok for check in vitals.alive())
    clock.now += 1
    assert [(check.name, check.ok) for check in vitals.alive()] == [("reading", False), ("writing", True)]
    assert vitals.idle_seconds == STALE_SECONDS
    vitals.ended("reading")
    assert all(check.ok for check in vitals.alive())


def test_a_start_may_take_longer_but_not_for_ever() -> None:
    clock = Clock()
    vitals = Vitals(clock)
    clock.now += STALE_SECONDS
    assert all(check.ok for check in vitals.alive())
    vitals.turned("reading")
    clock.now += STALE_SECONDS + 1
    assert all(check.ok for check in vitals.alive())
    clock.now += START_SECONDS
    assert not any(check.ok for check in vitals.alive())


def test_a_program_is_ready_when_all_that_it_needs_is_there() -> None:
    vitals = Vitals(Clock())
    assert not any(check.ok for check in vitals.ready())  # it has not said what it needs
    vitals.needs("files")
    vitals.settle("sources", "two")
    assert [(check.name, check.ok, check.reason) for check in vitals.ready()] == [
        ("files", False, "not yet"),
        ("sources", True, "two"),
    ]
    vitals.settle("files", "open")
    vitals.needs("files")  # which it has said already
    assert all(check.ok for check in vitals.ready())
    vitals.settle("sources", "gone", ok=False)
    assert not all(check.ok for check in vitals.ready())
    vitals.forget("sources")
    assert all(check.ok for check in vitals.ready())
