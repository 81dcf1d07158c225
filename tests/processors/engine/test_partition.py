"""When the runs of probes that say nothing any more count as ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.engine.acknowledgement import Acknowledger
from processors.engine.partition import FORMER_TIMEOUT_SECONDS, SOURCE_TIMEOUT_SECONDS, PartitionMerge
from processors.merge import FlowMerge, MergeSettings
from tests.processors.status_records import Conversations, in_messages, status_records
from topics.bus import decode_message, encode_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch
    from topics.errors import DecodeError


class Kept:
    """A channel that keeps what is sent and confirms it at once."""

    def __init__(self) -> None:
        self.sent: list[FlowBatch] = []

    def decode(self, value: bytes) -> FlowBatch:
        return decode_message(value)

    def encode(self, batch: FlowBatch) -> bytes:
        return encode_message(batch)

    def send(self, value: bytes, _headers: object, confirm: Callable[[int], None]) -> None:
        self.sent.append(decode_message(value))
        confirm(len(self.sent) - 1)

    def refuse(self, offset: int, value: bytes, reason: DecodeError, confirm: Callable[[int], None]) -> None:
        raise AssertionError(reason)


def run_of(boot_id: int) -> FlowBatch:
    """The first records of a run that is never said to have ended: its flows stay open."""
    return next(in_messages(status_records(Conversations(3, 40, 1.0, boot_id=boot_id)), size=1000))


def flows_after(seconds: float, *, started_anew: bool) -> int:
    """How many flows came out of a run that fell silent so many seconds ago, its probe started anew or not."""
    channel = Kept()
    partition = PartitionMerge(0, FlowMerge(MergeSettings(active_timeout=10_000)), Acknowledger(0, []), channel)
    partition.process(0, encode_message(run_of(1)), now=0.0)
    if started_anew:
        partition.process(1, encode_message(run_of(2)), now=10.0)
        partition.process(2, encode_message(run_of(2).select(slice(0)).replace(sequence=1, watermark=1)), now=seconds)
    partition.mark(seconds)
    partition.release_due(seconds)
    return sum(len(batch) for batch in channel.sent if batch.boot_id == 1)


@pytest.mark.parametrize(("timeout", "started_anew"), [(SOURCE_TIMEOUT_SECONDS, False), (FORMER_TIMEOUT_SECONDS, True)])
def test_a_silent_run_counts_as_ended_sooner_when_its_probe_was_started_anew(
    timeout: float, *, started_anew: bool
) -> None:
    open_before = flows_after(timeout - 1, started_anew=started_anew)
    assert flows_after(timeout + 1, started_anew=started_anew) > open_before


def test_of_a_probe_that_was_not_started_anew_flows_wait() -> None:
    assert flows_after(FORMER_TIMEOUT_SECONDS + 1, started_anew=False) == flows_after(1.0, started_anew=False)
