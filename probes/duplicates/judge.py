"""The verdict on a packet: new, a copy made by mirroring, sent again, or a keep-alive.

A copy has the fingerprint of a packet seen a short time before (probes/duplicates/fingerprint.py). What could have been
sent again by its sender is a copy only for a reason: an IP identification that the sender used for no other packet, a
way that only another point of the network gives it (MACs, VLAN, MPLS, tunnel), data sooner than a round trip, or that
most packets from there come twice over this path and about as late.
"""

from __future__ import annotations

from typing import Any

from probes.decode import headers as h
from probes.duplicates import layout as at
from probes.duplicates.fingerprint import fingerprint, is_sampled, signature
from probes.duplicates.paths import bucket_of, forget_half, is_usual, path_of, source_of
from probes.load import be32, u8
from topics.compiled import inlined, prefetch

FIN, SYN, RST = 0x01, 0x02, 0x04
SIGN = 0x80000000
SEQUENCE_MASK = 0xFFFFFFFF
LONGER = 2  # round trips may shrink after the handshake by so much


@inlined
def _place(found: int) -> Any:
    """Return the place of a fingerprint."""
    return (found >> 8) & (at.PLACES - 1)


@inlined
def _entry(entries: Any, number: int) -> Any:
    """Return what is remembered of a packet by its number in the ring."""
    start = (number & (at.REMEMBERED - 1)) * at.ENTRY_WORDS
    return entries[start : start + at.ENTRY_WORDS]


@inlined
def look_at(data: Any, end: int, row: Any, number: int, judging: Any) -> Any:
    """Return the fingerprint of packet `number` of the feed, 0 when it is not to be judged; asks for its memory."""
    state = judging[at.STATE]
    mode = state[at.NEXT_MODE] if number >= state[at.SWITCH_AT] else state[at.MODE]
    if mode == at.OFF or (mode == at.WATCHING and not is_sampled(data, end, row, at.SAMPLE)):
        return 0
    found = fingerprint(data, end, row)
    if found:
        prefetch(judging[at.NEWEST_OF_PLACES], _place(found))
    return found


@inlined
def _carries(data: Any, row: Any) -> Any:
    """Tell whether a TCP segment carries something that would be acknowledged; of others it tells nothing."""
    flags = u8(data, (row[h.TCP] or row[h.NETWORK]) + 13)
    return (row[h.APP_BYTES] > 0) | (flags & (SYN | FIN) != 0)


@inlined
def _repeats(data: Any, row: Any, me: Any) -> Any:
    """Return the verdict on a segment by its sequence numbers: KEEP_ALIVE, RETRANSMISSION or NEW."""
    if not row[h.TCP] or not me.sequence_known:
        return at.NEW
    flags = u8(data, row[h.TCP] + 13)
    sequence, size = be32(data, row[h.TCP] + 4), row[h.APP_BYTES]
    ahead = ((sequence - me.last_sequence + SIGN) & SEQUENCE_MASK) - SIGN
    if ahead == -1 and size <= 1 and not flags & (SYN | FIN | RST):
        return at.KEEP_ALIVE  # RFC 9293, 3.8.4
    size += (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    if size == 0 or ahead + size > 0:
        return at.NEW
    hole = me.hole_start != me.hole_end
    since = ((sequence - me.hole_start + SIGN) & SEQUENCE_MASK) - SIGN
    until = ((sequence + size - me.hole_end + SIGN) & SEQUENCE_MASK) - SIGN
    return at.NEW if hole and since >= 0 and until <= 0 else at.RETRANSMISSION


@inlined
def _evidence(row: Any, differs: int, gap: int, round_trip: int, identified: bool) -> Any:
    """Return what speaks for a copy by itself, 0 when nothing does."""
    evidence = 0
    if differs & at.TTL_BITS:
        evidence |= at.OTHER_TTL
    if differs & (at.VLAN_BITS | at.INNER_BITS):
        evidence |= at.OTHER_VLAN
    if differs & at.MAC_BITS:
        evidence |= at.OTHER_MACS
    if differs & at.MPLS_BITS:
        evidence |= at.OTHER_MPLS
    if differs & at.TUNNEL_BITS:
        evidence |= at.OTHER_TUNNEL
    if identified:
        evidence |= at.SAME_IDENTIFICATION
    if row[h.TCP] and gap < (round_trip // LONGER if round_trip else at.FLOOR):
        evidence |= at.BEFORE_ROUND_TRIP
    return evidence


@inlined
def _suffices(data: Any, row: Any, evidence: int, round_trip: int) -> Any:
    """Tell whether this is a copy on its own evidence, whatever was learned. Without a branch."""
    segment, carries = row[h.TCP] != 0, _carries(data, row)
    elsewhere, soon = evidence & at.ELSEWHERE != 0, evidence & at.BEFORE_ROUND_TRIP != 0
    identified = evidence & at.SAME_IDENTIFICATION != 0
    counted_up = (evidence & at.OTHER_TTL != 0) & (not elsewhere) & (row[h.SRC_MAC] | row[h.DST_MAC] != 0)
    if_identified = elsewhere | (not segment) | soon | (not carries)
    if_elsewhere = (not segment) | (round_trip == 0) | soon
    alone = (
        (identified & if_identified)
        | ((not identified) & elsewhere & if_elsewhere)
        | ((not elsewhere) & soon & carries)
    )
    return alone & (not counted_up)  # a router would have changed the MACs: somebody counts TTLs up


@inlined
def _note_run(entry: Any, path: Any, gap: int) -> None:
    """Learn from a repetition of a packet, the first over this path."""
    entry[at.COUNTS] |= at.NOTED
    path[at.PATH_RUNS] += 1
    path[at.PATH_LAGS + bucket_of(gap)] += 1


@inlined
def _remember(found: int, time: int, came: int, counts: int, judging: Any) -> None:
    """Put a packet into the ring, as the newest of its place; let two go that are out of the window."""
    entries, newest, state = judging[at.ENTRIES], judging[at.NEWEST_OF_PLACES], judging[at.STATE]
    number, place = state[at.NEWEST] + 1, _place(found)
    entry = _entry(entries, number)
    entry[at.PRINT], entry[at.TIME], entry[at.SIGNATURE], entry[at.COUNTS] = found, time, came, counts
    entry[at.BEFORE] = newest[place]
    newest[place] = number
    oldest = max(state[at.OLDEST], number - (at.REMEMBERED - 1))
    for _ in range(2):
        oldest += time - _entry(entries, oldest)[at.TIME] > at.WINDOW
    state[at.NEWEST], state[at.OLDEST] = number, oldest


@inlined
def _begin(found: int, time: int, came: int, judging: Any) -> None:
    """Remember a packet that was not seen before."""
    sources = judging[at.SOURCES]
    source = source_of(sources, came)
    sources[source, at.SOURCE_PACKETS] += 1
    _remember(found, time, came, at.ONE_SENDING | (source << at.SOURCE_SHIFT), judging)


@inlined
def _again(
    data: Any, row: Any, time: int, came: int, identified: bool, round_trip: int, entry: Any, judging: Any
) -> Any:
    """Judge a packet whose fingerprint was seen lately; returns verdict | evidence."""
    paths, sources, state = judging[at.PATHS_TAKEN], judging[at.SOURCES], judging[at.STATE]
    gap = abs(time - entry[at.TIME])
    counts = entry[at.COUNTS]
    copies, sendings = counts & at.COUNT_MASK, (counts >> 8) & at.COUNT_MASK
    evidence = _evidence(row, came ^ entry[at.SIGNATURE], gap, round_trip, identified)
    number = path_of(paths, entry[at.SIGNATURE], came)
    path = paths[number]
    other_path = not counts & at.NOTED or (counts >> at.PATH_SHIFT) & at.PATH_MASK != number
    if other_path:
        entry[at.COUNTS] = (counts & ~(at.PATH_MASK << at.PATH_SHIFT)) | (number << at.PATH_SHIFT)
        _note_run(entry, path, gap)
    else:
        path[at.PATH_MORE] += 1
    copied = copies < at.MOST_COPIES and _suffices(data, row, evidence, round_trip)
    least = at.FEW_RUNS if identified else at.LEAST_RUNS
    if not copied and is_usual(path, sources[counts >> at.SOURCE_SHIFT], gap, least):
        each = 2 if 2 * path[at.PATH_MORE] > path[at.PATH_RUNS] else 1
        if other_path or evidence & at.ELSEWHERE or copies < sendings * each:
            evidence |= at.LEARNED
            copied = True
    if copied:
        entry[at.COUNTS] += at.ONE_COPY
        state[at.LAG], state[at.DIFFERENCES] = gap, evidence >> at.DIFFERENCES_SHIFT
        state[at.WAS] = entry[at.SIGNATURE]
        return at.COPY | evidence
    if copies >= sendings:  # all copies came of what was sent so far: whatever copies come now are of this packet
        counts = at.ONE_SENDING | (entry[at.COUNTS] & ~at.SENDINGS_AND_COPIES)
        _remember(entry[at.PRINT], time, entry[at.SIGNATURE], counts, judging)
    elif sendings < at.COUNT_MASK:
        entry[at.COUNTS] += at.ONE_SENDING
    return at.UNKNOWN | evidence


@inlined
def _look_up(found: int, time: int, judging: Any) -> Any:
    """Return the number of a packet that was seen lately, 0 when it was not."""
    number, oldest = judging[at.NEWEST_OF_PLACES][_place(found)], judging[at.STATE][at.OLDEST]
    for _ in range(at.MOST_STEPS):
        if number < oldest:
            return 0
        entry = _entry(judging[at.ENTRIES], number)
        if entry[at.PRINT] == found and abs(time - entry[at.TIME]) <= at.WINDOW:
            return number
        number = entry[at.BEFORE]
    return 0


@inlined
def _count(number: int, copied: bool, judging: Any) -> None:
    """Count a judged packet; switch between looking at all packets and at samples, in time for those decoded ahead."""
    state = judging[at.STATE]
    if number >= state[at.SWITCH_AT]:
        state[at.MODE] = state[at.NEXT_MODE]
    state[at.JUDGED] += 1
    if copied:
        state[at.FOUND] += 1
        if state[at.NEXT_MODE] == at.WATCHING:
            state[at.NEXT_MODE], state[at.SWITCH_AT], state[at.JUDGED] = at.ACTIVE, number + at.AHEAD, 0
    if state[at.JUDGED] >= at.QUIET and state[at.FOUND] == 0 and state[at.NEXT_MODE] == at.ACTIVE:
        state[at.NEXT_MODE], state[at.SWITCH_AT] = at.WATCHING, number + at.AHEAD
    if state[at.JUDGED] >= at.PERIOD:
        state[at.JUDGED], state[at.FOUND] = 0, 0
        forget_half(judging[at.PATHS_TAKEN], judging[at.SOURCES])


@inlined
def judge(
    data: Any, row: Any, time: int, number: int, found: int, is_new: bool, flow: Any, me: Any, judging: Any
) -> Any:
    """Return whether packet `number` of the feed, of fingerprint `found`, is a copy of one that was counted.

    `flow` and `me` are its flow and side, whose words mean nothing yet when it `is_new`. The verdict and its evidence
    (probes/duplicates/layout.py) go to the trace, if there is one; what a record tells of a copy stays in the state.
    """
    trace = judging[at.TRACE]
    came = signature(row)
    known = _look_up(found, time, judging)
    verdict = at.NEW
    if known:
        identified = row[h.FRAGMENT] != h.NOT_FRAGMENT or (row[h.IP_ID] != 0 and (is_new or not me.same_ids))
        syn_ack, ack_data = flow.syn_ack_time, flow.ack_data_time
        round_trip = syn_ack + ack_data if not is_new and syn_ack and ack_data else 0
        verdict = _again(data, row, time, came, identified, round_trip, _entry(judging[at.ENTRIES], known), judging)
    else:
        _begin(found, time, came, judging)
        if not is_new and row[h.IP_ID] and not row[h.FRAGMENT] and me.ip_id == row[h.IP_ID]:
            me.same_ids = 1  # this sender gives the same identification to packets that differ
    copied = verdict & at.VERDICT_BITS == at.COPY
    _count(number, copied, judging)
    if number < len(trace):
        if not copied and not is_new:
            repeated = _repeats(data, row, me)
            verdict = verdict if repeated == at.NEW else repeated | (verdict & ~at.VERDICT_BITS)
        trace[number] = verdict
    return copied
