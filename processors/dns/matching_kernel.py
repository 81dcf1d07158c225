"""Queries and their answers: rows of messages to transactions."""

# ruff: noqa: ANN401 - arrays and integers that only Numba types

from __future__ import annotations

from typing import Any

import numpy as np

from topics.compiled import borrowed, inlined, kernel
from topics.dns.batch import State

AXFR, IXFR = 252, 251
LAST_IS_SOA = 1 << 16
MDNS = 1
QUERY, ANSWER, SEVERAL = int(State.QUERY), int(State.ANSWER), int(State.SEVERAL)
QUERY_CUT = int(State.QUERY_CUT)
OPEN, CLOSED = 0, 1
U = np.uint64


@inlined
def _is_complete(row: Any, answer: Any, soas: Any, last_is_soa: Any) -> Any:
    """Whether an answer is all of it: of a zone transfer, when its SOA came again (RFC 5936 2.2, RFC 1995 4)."""
    if row.protocol != 6 or row.record_type not in (AXFR, IXFR) or answer.rcode:
        return True
    return last_is_soa and soas >= (2 if row.record_type == AXFR else 1)


@inlined
def _give_up(asked: Any, state: Any, place: Any, out: Any, made: Any) -> None:
    """Close a query that has no answer, or a part of one."""
    out[made] = asked
    if state[place, 2]:
        out[made].state |= ANSWER | SEVERAL
        out[made].answers = min(65535, state[place, 2])
        out[made].answer_bytes = state[place, 4]
    state[place, 0] = CLOSED
    state[place, 3] = made


@kernel
def match(
    rows: Any, keys: Any, soas: Any, now: int, timeout: int, spare: int, slots: Any, query: Any, state: Any, out: Any
) -> int:
    """Pair the rows of messages (DNS_DTYPE, in the order of their coming) and write transactions to `out`.

    `now` is the clock (ns), after which `timeout` counts; no more than `spare` queries stay open. `slots` (int64, -1, a
    power of two long, more than twice as many as rows) is scratch. `query[i]` becomes the transaction's place in `out`
    for each message whose resource records belong to it, -1 for others, -2 - i for those of query i that are to come
    again with later rows. `state` (int64, shape (n, 5), 0) is scratch. Returns the number of transactions.
    """
    rows, out, slots, query, state = borrowed(rows), borrowed(out), borrowed(slots), borrowed(query), borrowed(state)
    mask, made, waiting = len(slots) - 1, 0, 0
    for index in range(len(rows)):
        row = rows[index]
        is_query = row.state & QUERY != 0
        query[index] = -1
        if row.kind == MDNS:
            out[made] = row
            query[index] = made
            made += 1
            continue
        key, question = keys[index, 0], keys[index, 1]
        slot = np.int64(key & U(mask))
        found = -1
        while slots[slot] >= 0:
            other = slots[slot]
            alike = question in (U(0), keys[other, 1]) or keys[other, 1] == U(0)
            if keys[other, 0] == key and alike and state[other, 0] == OPEN:
                if row.time - rows[other].time <= timeout:
                    found = other
                    break
                _give_up(rows[other], state, other, out, made)
                query[other] = made
                made += 1
                waiting -= 1
            slot = (slot + 1) & mask
        if is_query and found >= 0:
            rows[found].retries = min(65535, rows[found].retries + 1)
        elif is_query:
            slots[slot] = index
            query[index] = -2 - index
            waiting += 1
        elif found < 0:
            out[made] = row
            query[index] = made
            made += 1
        else:
            asked = rows[found]
            state[found, 1] += soas[index] & (LAST_IS_SOA - 1)
            state[found, 2] += 1
            query[index] = -2 - found
            state[found, 4] += row.answer_bytes
            asked.answered = row.time
            if _is_complete(asked, row, state[found, 1], soas[index] >= LAST_IS_SOA):
                out[made] = row
                done = out[made]
                done.time, done.query_flags, done.query_bytes = asked.time, asked.query_flags, asked.query_bytes
                done.query_edns, done.query_udp_size = asked.query_edns, asked.query_udp_size
                done.query_error, done.retries, done.answer_bytes = asked.query_error, asked.retries, state[found, 4]
                done.state |= QUERY | (asked.state & QUERY_CUT) | (SEVERAL if state[found, 2] > 1 else 0)
                done.dnssec |= asked.dnssec
                done.answers = min(65535, state[found, 2])
                done.id = asked.id
                done.server, done.server_port = row.server, row.server_port
                for octet in range(16):
                    done.flow_id[octet] = asked.flow_id[octet]
                if keys[found, 1]:
                    done.name_offset, done.name_length, done.record_type = (
                        asked.name_offset,
                        asked.name_length,
                        asked.record_type,
                    )
                    done.record_class = asked.record_class
                if not done.client_subnet_length:
                    done.client_subnet_offset = asked.client_subnet_offset
                    done.client_subnet_length = asked.client_subnet_length
                if not done.cookie_length:
                    done.cookie_offset, done.cookie_length = asked.cookie_offset, asked.cookie_length
                state[found, 0] = CLOSED
                state[found, 3] = made
                waiting -= 1
                made += 1
    for index in range(len(rows)):  # what belongs to a query that is closed by now, and what has waited for too long
        if query[index] > -2:
            continue
        asked = -2 - query[index]
        if state[asked, 0] == OPEN and (waiting > spare or now - rows[asked].time > timeout):
            _give_up(rows[asked], state, asked, out, made)
            waiting -= 1
            made += 1
            query[index] = state[asked, 3]
        elif state[asked, 0] == CLOSED:
            query[index] = -1 if asked == index else state[asked, 3]
    return made
