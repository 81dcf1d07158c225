"""What the passing batches of an engine say for its metrics: numbers summed by columns, once a batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from topics.batch import last_times
from topics.dns import State
from topics.metrics import table

if TYPE_CHECKING:
    from topics.batch import FlowBatch
    from topics.dns import DnsBatch

SECOND = 1e9
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
OTHERS = "other"
OUTCOMES = {0: "ok", 2: "servfail", 3: "nxdomain", 5: "refused"}
ERROR, UNANSWERED, UNASKED, MALFORMED = "error", "unanswered", "unasked", "malformed"


def newest_packet(batch: FlowBatch) -> int:
    """Return the time of the newest packet in a batch (ns), 0 without records."""
    return int(last_times(batch.records).max()) if len(batch) else 0


def note_age(stage: str, packet_time: int) -> None:
    """Note how old a packet of some time (ns) is as it leaves a stage; nothing for time 0."""
    if packet_time:
        table.PACKET_AGE.observe(time.time() - packet_time / SECOND, stage)


def count_flows(batch: FlowBatch) -> None:
    """Count flows, their packets and bytes by protocol."""
    records = batch.records
    protocols = records["protocol"]
    counts = np.bincount(protocols, minlength=256)
    packets, size = (
        np.bincount(protocols, records[f"src_{what}"] + records[f"dst_{what}"], 256) for what in ("packets", "bytes")
    )
    for number in np.flatnonzero(counts):
        name = PROTOCOLS.get(int(number), OTHERS)
        table.FLOWS_OUT.add(int(counts[number]), name)
        table.FLOW_PACKETS.add(float(packets[number]), name)
        table.FLOW_BYTES.add(float(size[number]), name)


def count_dns(batch: DnsBatch) -> None:
    """Count DNS transactions by outcome, and how long their answers took."""
    rows = batch.transactions
    if not len(rows):
        return
    asked, answered = (rows["state"] & State.QUERY) != 0, (rows["state"] & State.ANSWER) != 0
    bad = (rows["error"] != 0) | (rows["query_error"] != 0)
    whole = asked & answered & ~bad
    for outcome, mask in ((MALFORMED, bad), (UNANSWERED, asked & ~answered & ~bad), (UNASKED, ~asked & ~bad)):
        if count := int(mask.sum()):
            table.DNS_TRANSACTIONS.add(count, outcome)
    codes = np.bincount(rows["rcode"][whole])
    for code in np.flatnonzero(codes):
        table.DNS_TRANSACTIONS.add(int(codes[code]), OUTCOMES.get(int(code), ERROR))
    table.DNS_RETRIES.add(int(rows["retries"].sum()))
    seconds = (rows["answered"][whole] - rows["time"][whole]) / SECOND
    bounds = np.array(table.DNS_ANSWER_SECONDS.bounds)
    places = np.bincount(np.searchsorted(bounds, seconds), minlength=len(bounds) + 1)
    table.DNS_ANSWER_SECONDS.merge(places.tolist(), float(seconds.sum()))
