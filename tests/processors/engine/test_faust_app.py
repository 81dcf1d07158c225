import asyncio

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]  # ships none
from faust.types import TP

from processors.engine.faust_app import end, make_app


def test_fausts_own_acknowledgement_is_still_not_to_be_trusted() -> None:
    """Why the worker commits by itself: once this fails, Faust was repaired and the reason is worth another look."""

    async def offset_to_commit(committed: int | None) -> int | None:
        consumer = make_app("127.0.0.1:1", "group", session_timeout=6.0).consumer
        partition = TP("topic", 0)
        consumer._committed_offset[partition] = committed  # type: ignore[attr-defined]  # private, as all that follows
        consumer._acked[partition] = [5]  # type: ignore[attr-defined]
        found: int | None = consumer._new_offset(partition)  # type: ignore[attr-defined]
        return found

    assert asyncio.run(offset_to_commit(committed=3)) is None
    assert asyncio.run(offset_to_commit(committed=4)) == 6, "4 was not processed, yet it would be passed over"
    assert asyncio.run(offset_to_commit(committed=None)) == 6


def test_the_end_of_a_partition_that_was_just_taken_from_us_is_not_known() -> None:
    """What a worker tells of its lag may be asked between losing a partition and hearing of it."""

    async def end_of_a_stranger() -> int | None:
        app = make_app("127.0.0.1:1", "group", session_timeout=6.0)
        thread = app.consumer._thread  # type: ignore[attr-defined]  # private, as above
        thread._consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
        found = end(app, TP("topic", 0))
        await thread._consumer.stop()
        return found

    assert asyncio.run(end_of_a_stranger()) is None
