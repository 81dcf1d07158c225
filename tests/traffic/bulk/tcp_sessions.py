"""TCP sessions by the thousand: handshake, requests and responses, losses, an end. No loop over packets."""

from dataclasses import dataclass, fields

import numpy as np

from tests.traffic.bulk.table import (
    ACK,
    FIN,
    PUSH,
    RESET,
    SYN,
    TCP,
    Integers,
    Mask,
    Rows,
    directed,
    numbered,
    packets,
    ports,
    sum_before,
)

SERVICES = np.array([443, 80, 22, 25, 993, 8080, 5432, 3389])
POPULARITY = np.array([0.62, 0.16, 0.04, 0.04, 0.05, 0.04, 0.03, 0.02])

FULL_SEGMENT = 1448
ESTABLISHED, REFUSED, UNANSWERED = 0, 1, 2
CLOSED, ABORTED, LEFT_OPEN = 0, 1, 2
RETRANSMITTED_LATE, RETRANSMITTED_FAST, OVERTAKEN = 0.008, 0.010, 0.006


@dataclass
class Starts:
    """What begins: when (us), between whom, over which IP version. One element each."""

    time: Integers
    client: Integers
    server: Integers
    version: Integers

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: Integers | Mask) -> "Starts":
        """Those of `index`."""
        return Starts(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass
class Steps:
    """The packets of all sessions, session after session in the order sent; `gap` (us) is the wait before each.

    `repeats` is the payload of an earlier segment that this one sends again, or asks for again without payload.
    """

    session: Integers
    position: Integers
    gap: Integers
    from_server: Mask
    flags: Integers
    payload: Integers
    repeats: Integers

    def take(self, index: Integers) -> "Steps":
        """Those of `index`, in that order."""
        return Steps(*(getattr(self, field.name)[index] for field in fields(self)))


def tcp_sessions(random: np.random.Generator, starts: Starts) -> Rows:
    """The packets of one session for each of `starts`, session after session."""
    count = len(starts)
    round_trip = np.clip(random.lognormal(np.log(22_000), 0.9, count), 300, 400_000).astype(np.int64)
    steps = with_losses(random, session_steps(random, round_trip), round_trip)
    time = starts.time[steps.session] + sum_before(steps.gap, steps.session, steps.position) + steps.gap
    overtaking(random, steps, time)
    sequence, acknowledgement = stream_numbers(random, steps, count)
    client_port, server_port = random.integers(32768, 61000, count), random.choice(SERVICES, count, p=POPULARITY)
    return packets(
        len(time),
        time=time,
        **directed(starts.client[steps.session], starts.server[steps.session], steps.from_server),
        **ports(client_port[steps.session], server_port[steps.session], steps.from_server),
        sequence=sequence,
        acknowledgement=acknowledgement,
        window=np.where(steps.flags & SYN, 64240, 501 - steps.from_server * 3),
        payload=steps.payload,
        identification=random.integers(0, 2**16, count)[steps.session] + steps.position,
        version=starts.version[steps.session],
        protocol=TCP,
        flags=steps.flags,
    )


def session_steps(random: np.random.Generator, round_trip: Integers) -> Steps:
    """Sessions as they go without loss."""
    count = len(round_trip)
    kind = random.choice(3, count, p=(0.88, 0.06, 0.06))
    end = np.where(kind == ESTABLISHED, random.choice(3, count, p=(0.86, 0.09, 0.05)), LEFT_OPEN)
    exchanges = np.where(kind == ESTABLISHED, np.minimum(random.geometric(0.5, count), 8), 0)
    body, body_session = exchange_steps(random, exchanges, round_trip)
    opening = np.array([3, 2, 3])[kind]
    before_end = opening + np.bincount(body_session, minlength=count)
    session, position = numbered(before_end + np.array([3, 1, 0])[end])
    opens, ends = position < opening[session], position >= before_end[session]
    steps = Steps(session, position, *(np.zeros(len(session), np.int64) for _ in range(5)))  # type: ignore[arg-type]
    steps.from_server = np.zeros(len(session), bool)
    for name, values in body.items():
        getattr(steps, name)[~opens & ~ends] = values
    open_sessions(steps, opens, kind, round_trip)
    end_sessions(random, steps, position - before_end[session], end, round_trip)
    return steps


def open_sessions(steps: Steps, opens: Mask, kind: Integers, round_trip: Integers) -> None:
    """Handshakes, refusals, and SYNs sent again after 1 and 2 s."""
    kinds, waits = kind[steps.session], round_trip[steps.session]
    second, third = opens & (steps.position == 1), opens & (steps.position == 2)
    steps.flags[opens & ((steps.position == 0) | (kinds == UNANSWERED))] = SYN
    answered = second & (kinds != UNANSWERED)
    steps.from_server[answered] = True
    steps.flags[answered] = np.where(kinds == REFUSED, RESET | ACK, SYN | ACK)[answered]
    steps.gap[answered] = waits[answered]
    completed = third & (kinds == ESTABLISHED)
    steps.flags[completed], steps.gap[completed] = ACK, 90
    silent = opens & (kinds == UNANSWERED)
    steps.gap[silent] = steps.position[silent] * 1_000_000


def end_sessions(
    random: np.random.Generator, steps: Steps, place: Integers, end: Integers, round_trip: Integers
) -> None:
    """FIN, FIN, ACK or a single reset, in every fourth session after an idle time.

    `place` is the position in the ending, negative before it.
    """
    ends, count = place >= 0, len(round_trip)
    idle = np.where(random.random(count) < 0.25, random.integers(5_000_000, 40_000_000, count), 5_000)
    by_server = (random.random(count) < 0.3)[steps.session]
    waits, closed = round_trip[steps.session], end[steps.session] == CLOSED
    steps.flags[ends] = np.where(closed, np.where(place == 2, ACK, FIN | ACK), RESET | ACK)[ends]
    steps.from_server[ends] = ((place == 1) ^ by_server)[ends]
    steps.gap[ends] = np.where(place == 1, waits, np.where(place == 2, 80, idle[steps.session]))[ends]


def exchange_steps(
    random: np.random.Generator, exchanges: Integers, round_trip: Integers
) -> tuple[dict[str, Integers], Integers]:
    """Requests and what comes back, as columns of `Steps` in order, with the session of each packet.

    An exchange is a request, then data segments with an acknowledgement after every second and after the last one.
    In one session of eight the data goes the other way, as in an upload.
    """
    owner, number = numbered(exchanges)
    segments = np.clip(random.lognormal(1.55, 1.15, len(owner)), 1, 1500).astype(np.int64)
    exchange, place = numbered(1 + segments + (segments + 1) // 2)
    last = place == (segments + (segments + 1) // 2)[exchange]
    asks = place == 0
    acknowledges = ~asks & (last | (place % 3 == 0))
    first_data = place == 1
    uploads = (random.random(len(exchanges)) < 0.12)[owner][exchange]
    session, final = owner[exchange], np.append(acknowledges[1:] & last[1:], False)
    partial = final | (random.random(len(place)) < 0.28)
    size = np.where(partial, random.integers(60, FULL_SEGMENT, len(place)), FULL_SEGMENT)
    size = np.where(asks, random.integers(80, 900, len(place)), size)
    data_gap = random.integers(13, 400, len(place)) + (place % 30 == 29) * round_trip[session]
    pause = np.clip(random.exponential(1_500_000, len(place)) * (random.pareto(2.0, len(place)) + 0.5), 200, 45e6)
    gap = np.where(asks, np.where(number[exchange] == 0, 250, pause), np.where(acknowledges, 60, data_gap))
    gap = np.where(first_data, round_trip[session] + random.exponential(9_000, len(place)), gap)
    columns = {
        "gap": gap.astype(np.int64),
        "from_server": ~asks & (uploads == acknowledges),
        "flags": np.where(asks | final, PUSH | ACK, ACK),
        "payload": np.where(acknowledges, 0, size),
    }
    return columns, session


def with_losses(random: np.random.Generator, steps: Steps, round_trip: Integers) -> Steps:
    """Some data segments are lost behind the capture: sent again after a timeout, or after three duplicate ACKs."""
    chance = np.where(steps.payload > 0, random.random(len(steps.payload)), 1.0)
    late, fast = (
        chance < RETRANSMITTED_LATE,
        (chance >= RETRANSMITTED_LATE) & (chance < RETRANSMITTED_LATE + RETRANSMITTED_FAST),
    )
    origin, copy = numbered(1 + late * 1 + fast * 4)
    after = steps.take(origin)
    after.position = numbered(np.bincount(after.session, minlength=len(round_trip)))[1]
    asks_again = fast[origin] & (copy > 0) & (copy < 4)
    after.repeats = np.where(copy > 0, after.payload, 0)
    after.from_server = after.from_server ^ asks_again
    after.flags = np.where(asks_again, ACK, after.flags)
    after.payload = np.where(asks_again, 0, after.payload)
    waits = round_trip[after.session]
    timeout = np.where(late[origin], 200_000 + waits, 100)
    after.gap = np.where(copy == 0, after.gap, np.where(asks_again, 110, timeout))
    return after


def overtaking(random: np.random.Generator, steps: Steps, time: Integers) -> None:
    """Some neighbours among the data segments of a session arrive in the wrong order: their times are swapped."""
    data = (steps.payload > 0) & (steps.repeats == 0)
    pair = data[:-1] & data[1:] & (steps.session[:-1] == steps.session[1:])
    pair &= steps.from_server[:-1] == steps.from_server[1:]
    chosen = np.flatnonzero(pair & (random.random(len(pair)) < OVERTAKEN))
    chosen = chosen[np.append(True, np.diff(chosen) > 1)] if len(chosen) else chosen
    time[chosen], time[chosen + 1] = time[chosen + 1], time[chosen]


def stream_numbers(random: np.random.Generator, steps: Steps, count: int) -> tuple[Integers, Integers]:
    """Sequence and acknowledgement numbers, not yet wrapped at 2**32."""
    repeated_syn = (steps.flags == SYN) & (steps.position > 0)
    sent = steps.payload + ((steps.flags & (SYN | FIN)) > 0)
    sent = np.where((steps.repeats > 0) | repeated_syn, 0, sent)
    by_client, by_server = np.where(steps.from_server, 0, sent), np.where(steps.from_server, sent, 0)
    initial = random.integers(0, 2**32, (2, count))
    client = initial[0][steps.session] + sum_before(by_client, steps.session, steps.position)
    server = initial[1][steps.session] + sum_before(by_server, steps.session, steps.position)
    back = np.where(steps.payload > 0, steps.repeats, 0) + repeated_syn
    missing = np.where(steps.payload == 0, steps.repeats, 0)
    sequence = np.where(steps.from_server, server, client) - back
    acknowledged = np.where(steps.from_server, client, server) - missing
    refuses = steps.from_server & (steps.position == 1) & ((steps.flags & RESET) > 0)
    return np.where(refuses, 0, sequence), np.where((steps.flags & ACK) > 0, acknowledged, 0)
