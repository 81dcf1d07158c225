"""IP fragments: the later ones counted in the flow of the first."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.decode import headers as h
from probes.flows import layout as at
from probes.flows import table
from topics.compiled import inlined

FRAGMENT_TIMEOUT = 5_000_000_000  # ns, that of Argus

# Fragments whose first one was seen: rows of (hash, ports, discriminator, order, time).
FRAGMENT_ROWS = 4096
FRAGMENT_HASH, FRAGMENT_PORTS, FRAGMENT_DISCRIMINATOR, FRAGMENT_ORDER, FRAGMENT_TIME = range(5)
FRAGMENT_COLUMNS = 5


@inlined
def join_fragment(row: Any, fragments: Any, now: int, counters: Any) -> None:
    """Give later fragments the ports of the first one, so that they count in its flow (RFC 791: source, target, id)."""
    hashed = table.mix(table.mix(row[h.SRC_LOW], row[h.DST_LOW]), row[h.SRC_HIGH] ^ row[h.DST_HIGH])
    hashed = table.mix(table.mix(hashed, (row[h.FRAGMENT_ID] << 8) | row[h.PROTOCOL]), row[h.TUNNEL_ID])
    place = fragments[np.int64(hashed & np.uint64(FRAGMENT_ROWS - 1))]
    word = np.int64(hashed)
    if row[h.FRAGMENT] == h.FIRST_FRAGMENT:
        place[FRAGMENT_HASH] = word
        place[FRAGMENT_PORTS] = (row[h.SRC_PORT] << 16) | row[h.DST_PORT]
        place[FRAGMENT_DISCRIMINATOR] = row[h.DISCRIMINATOR]
        place[FRAGMENT_ORDER] = row[h.ORDER]
        place[FRAGMENT_TIME] = now
    elif place[FRAGMENT_HASH] == word and now - place[FRAGMENT_TIME] <= FRAGMENT_TIMEOUT:
        row[h.SRC_PORT] = place[FRAGMENT_PORTS] >> 16
        row[h.DST_PORT] = place[FRAGMENT_PORTS] & 0xFFFF
        row[h.DISCRIMINATOR] = place[FRAGMENT_DISCRIMINATOR]
        row[h.ORDER] = place[FRAGMENT_ORDER]
    else:
        counters[at.COUNT_LONE_FRAGMENTS] += 1
        row[h.DISCRIMINATOR] ^= row[h.FRAGMENT_ID]
        row[h.ORDER] = h.FORWARD
