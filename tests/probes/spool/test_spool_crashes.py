"""Whatever happens at whichever call: what was accepted comes out, in order, or is counted.

`python -m tests.probes.spool.test_spool_crashes 10000` runs so many schedules.
"""

from __future__ import annotations

import itertools
import random
import sys
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from probes.spool.carried import Carried
from probes.spool.entry import Entry, Priority
from probes.spool.losses import Cause
from probes.spool.spool import Spool
from tests.probes.spool.fake_disk import FakeDisk, PowerCutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.spool.lane import Lane, Ticket

LIMIT = 6000
SEGMENT = 300
STEPS = 50
CARRY_SECONDS = 2.0


class Watched(Spool):
    """A spool that tells the numbers of the entries that it accepts."""

    def __init__(self, numbers: set[int], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.numbers = numbers

    def append(self, entries: list[Entry]) -> list[Entry]:
        accepted = super().append(entries)
        self.numbers |= {number(entry) for entry in accepted}
        return accepted

    def keep(self, priority: Priority, leaving: list[tuple[Ticket, Entry]]) -> dict[Ticket, Cause]:
        refused = super().keep(priority, leaving)
        self.numbers |= {number(entry) for ticket, entry in leaving if ticket not in refused}
        return refused

    def note_settled(self, ticket: Ticket) -> None:
        super().note_settled(ticket)
        if ticket.entry is not None:
            self.numbers.add(number(ticket.entry))


class Steady(RuleBasedStateMachine):
    """A spool, and what an onlooker knows of its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = random.Random(1)
        self.disk = FakeDisk(self.choice)
        self.offered = 0
        self.accepted: set[int] = set()
        self.handed: set[int] = set()
        self.latest = dict.fromkeys(Priority, -1)
        self.flying: list[tuple[Lane, Ticket]] = []
        self.settled = 0
        self.calm = True
        self.damaged = 0
        self.now = 0.0
        self._open()

    def _open(self) -> None:
        self.spool = Watched(self.accepted, self.disk, LIMIT, least=SEGMENT, marks=lambda: self.choice.randbytes(8))
        self.carried = Carried(self.spool, CARRY_SECONDS, LIMIT // 4)

    def attempt(self, step: Callable[[], None]) -> None:
        """Do something; when the machine stops on the way, start again."""
        try:
            step()
        except PowerCutError:
            self._restart()

    def _restart(self) -> None:
        self.calm = False
        self.choice.choice((self.disk.kill, self.disk.power_cut))()
        self.flying.clear()
        self._open()

    def entries(self, count: int, size: int) -> list[Entry]:
        self.offered += count
        return [
            Entry("t", str(n).encode() + b"." * size, 1, b"", 1, 2, Priority(self.choice.choice((0, 0, 0, 1, 2))))
            for n in range(self.offered - count, self.offered)
        ]

    @rule(seed=st.integers(0, 2**32), count=st.integers(1, 12), size=st.integers(0, 120))
    def offer(self, seed: int, count: int, size: int) -> None:
        self.choice.seed(seed)

        def append() -> None:
            self.carried.take(self.entries(count, size), self.now, halted=set(Priority))

        self.attempt(append)

    @rule(seed=st.integers(0, 2**32), count=st.integers(1, 12), size=st.integers(0, 120))
    def take(self, seed: int, count: int, size: int) -> None:
        self.choice.seed(seed)

        def take() -> None:
            for lane, ticket in self.carried.take(self.entries(count, size), self.now):
                self._note_out(lane, ticket)

        self.attempt(take)

    def _note_out(self, lane: Lane, ticket: Ticket) -> None:
        assert ticket.entry is not None
        assert ticket.entry.records == 1
        one = number(ticket.entry)
        if one not in self.handed:
            assert one > self.latest[lane.priority], "out of order"
            self.latest[lane.priority] = one
        assert not self.calm or one not in self.handed, "handed out twice"
        self.handed.add(one)
        self.flying.append((lane, ticket))

    @rule(seconds=st.floats(0, 2 * CARRY_SECONDS))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.attempt(lambda: self.carried.keep_overdue(self.now))

    @rule(count=st.integers(1, 30))
    def hand_out(self, count: int) -> None:
        def step() -> None:
            for lane, ticket in itertools.islice(self.spool.hand_out(), count):
                self._note_out(lane, ticket)

        self.attempt(step)

    @rule(seed=st.integers(0, 2**32), count=st.integers(1, 30))
    def settle(self, seed: int, count: int) -> None:
        self.choice.seed(seed)
        for _ in range(min(count, len(self.flying))):
            place = 0 if self.choice.random() < 0.8 else self.choice.randrange(len(self.flying))
            lane, ticket = self.flying.pop(place)
            lane.settle(ticket)
            self.settled += 1

    @rule(everything=st.booleans())
    def tidy(self, everything: bool) -> None:
        self.attempt(lambda: self.spool.tidy(everything=everything))

    @invariant()
    def is_bounded(self) -> None:
        names = self.disk.names()
        assert self.disk.failed or sum(self.disk.size(name) for name in names if "segment" in name) <= LIMIT

    def teardown(self) -> None:
        """Deliver all that is left: then all that was accepted was handed out or is counted, and nothing else."""
        self.disk.crash_in = self.disk.fail_in = -1
        self.settle(0, 10**6)
        self.carried.keep_overdue(self.now)
        assert self.carried.waiting == 0
        while True:
            before = len(self.flying)
            self.hand_out(1000)
            if not self.flying:
                break
            assert len(self.flying) > before or before
            self.settle(1, 10**6)
        lost = len(self.accepted - self.handed)
        counted = sum(self.spool.losses.messages(cause) for cause in Cause)
        if self.damaged:  # what was accepted last before a crash and damaged then cannot be told from what was torn
            assert self.disk.failed or lost <= self.spool.losses.messages(Cause.FULL) + self.damaged
        else:
            assert counted >= lost, f"{lost} lost, {counted} counted"
        if self.calm and not self.disk.failed:
            assert counted == lost
            assert self.spool.refused.messages(Cause.FULL) == self.offered - len(self.accepted)
            assert self.spool.accepted == len(self.accepted)
        if not self.disk.failed and not self.disk.torn and not self.damaged:
            assert self.spool.losses.messages(Cause.DAMAGED) == 0
        assert self.spool.waiting == 0
        self.spool.close()
        if not self.disk.failed:
            assert [name for name in self.disk.names() if "segment" in name] == [], "all is delivered"


class Crashes(Steady):
    """The same on a disk that may stop at any call or refuse it, with brokers that send things back."""

    @rule(priority=st.sampled_from(Priority))
    def start_over(self, priority: Priority) -> None:
        self.calm = False
        back = [ticket for lane, ticket in self.flying if lane.priority is priority]
        self.flying = [(lane, ticket) for lane, ticket in self.flying if lane.priority is not priority]

        def again() -> None:
            if back:
                self.carried.fail(priority, self.choice.choice(back))
            self.carried.fail(priority)
            self.spool.lanes[priority].rewind()

        self.attempt(again)

    @rule(seed=st.integers(0, 2**32), calls=st.integers(1, 25))
    def stop_in(self, seed: int, calls: int) -> None:
        self.choice.seed(seed)
        self.disk.crash_in = calls

    @rule(seed=st.integers(0, 2**32))
    def stop(self, seed: int) -> None:
        self.choice.seed(seed)
        self._restart()

    @rule(calls=st.integers(1, 25))
    def refuse_in(self, calls: int) -> None:
        self.disk.fail_in = calls


class Damage(Crashes):
    """The same on a disk that also changes bytes."""

    @rule(seed=st.integers(0, 2**32))
    def damage(self, seed: int) -> None:
        self.choice.seed(seed)
        self.damaged += self.disk.damage()
        self.calm = False


def number(entry: Entry) -> int:
    return int(entry.value.rstrip(b"."))


def run(machine: type[Steady], schedules: int) -> None:
    health = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    limits = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=health,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # to find a shorter schedule takes minutes
    )
    run_state_machine_as_test(machine, settings=limits)


def test_each_entry_is_handed_out_once_or_counted() -> None:
    run(Steady, 60)


def test_nothing_accepted_is_lost_or_reordered_by_crashes() -> None:
    run(Crashes, 60)


def test_damage_costs_only_what_it_hits() -> None:
    run(Damage, 40)


if __name__ == "__main__":
    for each in (Steady, Crashes, Damage):
        run(each, int(sys.argv[1]))
        print(f"{each.__name__}: {sys.argv[1]} schedules of up to {STEPS} steps held")
