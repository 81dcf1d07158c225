import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.engine.acknowledgement import Acknowledger, Checkpoint, Ticket


def test_nothing_is_acknowledged_before_the_broker_has_it() -> None:
    acknowledger = Acknowledger()
    ticket = acknowledger.sent(last_input=3)
    acknowledger.mark(4)

    assert acknowledger.checkpoint() is None

    acknowledger.confirm(ticket, 0)
    assert acknowledger.checkpoint() == Checkpoint(4, output_offset=1)
    assert acknowledger.checkpoint() is None


def test_a_later_confirmation_does_not_carry_an_earlier_message() -> None:
    acknowledger = Acknowledger()
    first, second = acknowledger.sent(1), acknowledger.sent(2)
    acknowledger.mark(3)
    acknowledger.confirm(second, 1)

    assert acknowledger.checkpoint() is None

    acknowledger.confirm(first, 0)
    assert acknowledger.checkpoint() == Checkpoint(3, output_offset=2)


def test_output_about_input_that_will_be_read_again_is_named() -> None:
    acknowledger = Acknowledger(output_end=10)
    for offset, last_input in ((10, 4), (11, 9), (12, 5)):
        acknowledger.confirm(acknowledger.sent(last_input), offset)
    acknowledger.mark(6)

    assert acknowledger.checkpoint() == Checkpoint(6, output_offset=11)


def test_what_earlier_runs_left_in_the_output_stays_named() -> None:
    acknowledger = Acknowledger(output_end=10, known=[(7, 3), (8, 9)])
    acknowledger.mark(5)

    assert acknowledger.checkpoint() == Checkpoint(5, output_offset=8)


def test_dead_letters_are_awaited_but_say_nothing_about_the_output() -> None:
    acknowledger = Acknowledger(output_end=10)
    letter = acknowledger.sent(None)
    acknowledger.mark(1)
    assert acknowledger.checkpoint() is None

    acknowledger.confirm(letter, None)
    assert acknowledger.checkpoint() == Checkpoint(1, output_offset=10)


@dataclass
class Sent:
    ticket: Ticket
    last_input: int
    offset: int | None = None


class Acknowledging(RuleBasedStateMachine):
    """Sends, confirmations in any order and marks; offsets in the output follow the order of sending."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledger = Acknowledger()
        self.sent: list[Sent] = []
        self.marks: list[tuple[int, int]] = []
        self.input = 0

    @rule(step=st.integers(0, 3), lag=st.integers(0, 5))
    def send(self, step: int, lag: int) -> None:
        self.input += step
        last_input = max(0, self.input - lag)
        self.sent.append(Sent(self.acknowledger.sent(last_input), last_input))

    @precondition(lambda self: any(sent.offset is None for sent in self.sent))
    @rule(choice=st.randoms(use_true_random=False))
    def confirm(self, choice: random.Random) -> None:
        number = choice.choice([n for n, sent in enumerate(self.sent) if sent.offset is None])
        self.sent[number].offset = number
        self.acknowledger.confirm(self.sent[number].ticket, number)

    @rule()
    def mark(self) -> None:
        self.marks.append((len(self.sent), self.input))
        self.acknowledger.mark(self.input)

    @invariant()
    def checkpoints_are_true(self) -> None:
        checkpoint = self.acknowledger.checkpoint()
        if checkpoint is None:
            return
        confirmed = next((n for n, sent in enumerate(self.sent) if sent.offset is None), len(self.sent))
        assert any(offset == checkpoint.offset and needed <= confirmed for needed, offset in self.marks)
        about_what_follows = [n for n in range(confirmed) if self.sent[n].last_input >= checkpoint.offset]
        assert all(n >= checkpoint.output_offset for n in about_what_follows)


TestAcknowledging = Acknowledging.TestCase


@given(st.lists(st.integers(0, 20), min_size=1))
def test_only_the_last_of_several_marks_counts(offsets: list[int]) -> None:
    acknowledger = Acknowledger()
    for offset in sorted(offsets):
        acknowledger.mark(offset)

    assert acknowledger.checkpoint() == Checkpoint(max(offsets), 0)
