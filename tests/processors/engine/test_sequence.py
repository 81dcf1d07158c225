from processors.engine.sequence import Sequence, Verdict


def process(sequence: Sequence, offset: int) -> None:
    assert sequence.judge(offset) is Verdict.NEXT
    sequence.advance(offset)


def test_messages_in_order_are_next() -> None:
    sequence = Sequence(5)
    for offset in (5, 6, 7):
        process(sequence, offset)


def test_what_was_processed_is_old() -> None:
    sequence = Sequence(5)
    process(sequence, 5)

    assert sequence.judge(4) is Verdict.OLD
    assert sequence.judge(5) is Verdict.OLD
    process(sequence, 6)


def test_messages_of_an_assignment_before_are_refused_until_the_first_comes() -> None:
    sequence = Sequence(5)
    assert sequence.judge(8) is Verdict.GAP
    assert not sequence.resolve(8, first=5)
    assert sequence.judge(9) is Verdict.STALE
    assert sequence.judge(10) is Verdict.STALE

    for offset in (5, 6, 7, 8):
        process(sequence, offset)


def test_a_hole_in_the_log_is_passed_over() -> None:
    sequence = Sequence(5)
    assert sequence.judge(8) is Verdict.GAP
    assert sequence.resolve(8, first=8)
    sequence.advance(8)
    process(sequence, 9)


def test_a_hole_behind_stale_messages_is_passed_over() -> None:
    sequence = Sequence(5)
    assert sequence.judge(9) is Verdict.GAP
    assert not sequence.resolve(9, first=7)
    process(sequence, 7)


def test_a_second_run_of_stale_messages_asks_again() -> None:
    sequence = Sequence(5)
    assert sequence.judge(8) is Verdict.GAP
    assert not sequence.resolve(8, first=5)
    assert sequence.judge(9) is Verdict.STALE
    assert sequence.judge(7) is Verdict.GAP
