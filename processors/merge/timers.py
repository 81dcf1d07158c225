"""When flows are due: a wheel of ticks of event time, and the order in which flows began; both as linked slots.

Every flow is in the list of one tick, that of its deadline or an earlier one: deadlines mostly move away with each
record, and a flow that is looked at too early is just put into a later tick. So a record costs no search, and advancing
the watermark costs the ticks and flows that it passes. A tick is 2**TICK_BITS ns (0.13 s); flows become due by whole
ticks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import inlined

TICK_BITS = 27
TICKS = 1 << 12  # of the wheel, 550 s; deadlines beyond it are looked at once a turn
LAST_TIME = 2**63 - 1
NOBODY = -1

# Marks of a flow: int64[MARKS].
DEADLINE, DUE_TICK, TIMER_NEXT, TIMER_BEFORE, AGE_NEXT, AGE_BEFORE, FIRST_POSITION, LAST_POSITION = range(8)
MARKS = 8

# State of a source: int64[STATE].
WATERMARK, TICK, LIVE, USED, FREE, OLDEST, YOUNGEST, EMPTY_TICKS = range(8)
STATE = 8

# The wheel: int64[TICKS, 2].
HEAD, TAIL = range(2)


def new_state() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the state of a source that has no flows yet."""
    state = np.zeros(STATE, np.int64)
    state[[FREE, OLDEST, YOUNGEST]] = NOBODY
    return state


def new_wheel() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a wheel without flows."""
    return np.full((TICKS, 2), NOBODY, np.int64)


@inlined
def _enqueue(marks: Any, wheel: Any, slot: Any, tick: Any) -> None:
    spoke = tick & (TICKS - 1)
    tail = wheel[spoke, TAIL]
    marks[slot, DUE_TICK] = tick
    marks[slot, TIMER_NEXT] = NOBODY
    marks[slot, TIMER_BEFORE] = tail
    if tail == NOBODY:
        wheel[spoke, HEAD] = slot
    else:
        marks[tail, TIMER_NEXT] = slot
    wheel[spoke, TAIL] = slot


@inlined
def _dequeue(marks: Any, wheel: Any, slot: Any) -> None:
    spoke = marks[slot, DUE_TICK] & (TICKS - 1)
    before, after = marks[slot, TIMER_BEFORE], marks[slot, TIMER_NEXT]
    if before == NOBODY:
        wheel[spoke, HEAD] = after
    else:
        marks[before, TIMER_NEXT] = after
    if after == NOBODY:
        wheel[spoke, TAIL] = before
    else:
        marks[after, TIMER_BEFORE] = before


@inlined
def _tick_of(state: Any, deadline: Any) -> Any:
    tick = state[TICK]
    return min(max(deadline >> TICK_BITS, tick), tick + TICKS - 1)


@inlined
def schedule(marks: Any, wheel: Any, state: Any, slot: Any, deadline: Any) -> None:
    """Give a new flow its deadline."""
    marks[slot, DEADLINE] = deadline
    _enqueue(marks, wheel, slot, _tick_of(state, deadline))


@inlined
def reschedule(marks: Any, wheel: Any, state: Any, slot: Any, deadline: Any) -> None:
    """Give a flow another deadline; it is moved only when that is earlier than its tick."""
    marks[slot, DEADLINE] = deadline
    tick = _tick_of(state, deadline)
    if tick < marks[slot, DUE_TICK]:
        _dequeue(marks, wheel, slot)
        _enqueue(marks, wheel, slot, tick)


@inlined
def _turn_far(marks: Any, wheel: Any, state: Any, target: Any) -> None:
    """Leap to the next deadline when none is within a turn of the wheel: a clock that leapt must not cost time."""
    nearest = LAST_TIME
    slot = state[OLDEST]
    while slot != NOBODY:
        nearest = min(nearest, marks[slot, DEADLINE])
        slot = marks[slot, AGE_NEXT]
    state[TICK] = max(state[TICK], min(target, nearest >> TICK_BITS))
    wheel[:, :] = NOBODY
    slot = state[OLDEST]
    while slot != NOBODY:
        _enqueue(marks, wheel, slot, _tick_of(state, marks[slot, DEADLINE]))
        slot = marks[slot, AGE_NEXT]


@inlined
def next_due(marks: Any, wheel: Any, state: Any) -> Any:
    """Advance to the tick of the watermark; return the first flow on the way that is due, NOBODY at the end of it."""
    target = state[WATERMARK] >> TICK_BITS
    while state[TICK] < target:
        if state[LIVE] == 0:
            state[TICK] = target
            break
        tick = state[TICK]
        slot = wheel[tick & (TICKS - 1), HEAD]
        if slot == NOBODY:
            state[TICK] += 1
            state[EMPTY_TICKS] += 1
            if state[EMPTY_TICKS] >= TICKS and target - state[TICK] > TICKS:
                state[EMPTY_TICKS] = 0
                _turn_far(marks, wheel, state, target)
        elif marks[slot, DEADLINE] >> TICK_BITS <= tick:
            return slot
        else:
            _dequeue(marks, wheel, slot)
            _enqueue(marks, wheel, slot, _tick_of(state, marks[slot, DEADLINE]))
    state[EMPTY_TICKS] = 0
    return NOBODY


@inlined
def enter(marks: Any, state: Any, slot: Any) -> None:
    """Note a flow as the youngest."""
    youngest = state[YOUNGEST]
    marks[slot, AGE_BEFORE] = youngest
    marks[slot, AGE_NEXT] = NOBODY
    if youngest == NOBODY:
        state[OLDEST] = slot
    else:
        marks[youngest, AGE_NEXT] = slot
    state[YOUNGEST] = slot
    state[LIVE] += 1


@inlined
def leave(marks: Any, wheel: Any, state: Any, slot: Any) -> None:
    """Take a flow off both lists."""
    _dequeue(marks, wheel, slot)
    before, after = marks[slot, AGE_BEFORE], marks[slot, AGE_NEXT]
    if before == NOBODY:
        state[OLDEST] = after
    else:
        marks[before, AGE_NEXT] = after
    if after == NOBODY:
        state[YOUNGEST] = before
    else:
        marks[after, AGE_BEFORE] = before
    state[LIVE] -= 1


@inlined
def take_slot(marks: Any, state: Any) -> Any:
    """Return a free slot; the caller knows that there is one."""
    slot = state[FREE]
    if slot == NOBODY:
        slot = state[USED]
        state[USED] += 1
    else:
        state[FREE] = marks[slot, AGE_NEXT]
    return slot


@inlined
def give_slot(marks: Any, state: Any, slot: Any) -> None:
    """Give a slot back."""
    marks[slot, AGE_NEXT] = state[FREE]
    state[FREE] = slot
