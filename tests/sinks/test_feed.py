from collections.abc import Callable

from sinks.feed import QUIET, EventTime, Feed
from sinks.position import Position
from topics.batch import END_OF_RUN, FlowBatch, records_like


def heard(time: int, probe: str = "p") -> FlowBatch:
    records = records_like(1)
    records["dst_last"] = time
    return FlowBatch(records=records, probe=probe)


def test_event_time_is_that_of_the_source_furthest_behind() -> None:
    time = EventTime()
    assert time.watermark(0.0) == 0
    time.hear(0, heard(500, "ahead"), 0.0)
    time.hear(0, heard(100, "behind"), 0.0)
    time.hear(1, heard(90, "behind"), 0.0)
    assert time.watermark(1.0) == 90
    time.hear(1, heard(300, "behind"), 1.0)
    time.hear(1, heard(5, "behind"), 1.0)
    assert time.watermark(1.0) == 100


def test_a_source_that_ended_or_fell_silent_holds_nobody_back() -> None:
    time = EventTime()
    time.hear(0, heard(100, "gone"), 0.0)
    time.hear(0, heard(200, "silent"), 0.0)
    time.hear(0, FlowBatch(probe="gone", watermark=END_OF_RUN), 1.0)
    assert time.watermark(1.0) == 200
    time.hear(0, FlowBatch(probe="alive", watermark=900), QUIET)
    assert time.watermark(QUIET + 1) == 900


class Recorder:
    """A sink that remembers what it was told."""

    def __init__(self) -> None:
        self.written: list[Position | None] = []
        self.watermarks: list[int] = []
        self.safe: dict[str, int] = {}

    def write(self, batch: FlowBatch, position: Position | None = None) -> None:
        assert len(batch) == 1
        self.written.append(position)

    def advance(self, watermark: int) -> None:
        self.watermarks.append(watermark)

    def flush(self) -> None:
        raise NotImplementedError

    @property
    def held(self) -> int:
        return 0

    def safe_offsets(self) -> dict[str, int]:
        return self.safe


def still() -> Callable[[], float]:
    return lambda: 0.0


def test_messages_carry_their_position_and_only_moved_offsets_are_committed() -> None:
    sink = Recorder()
    feed = Feed(sink, "cluster/flows", still())
    feed.take(3, 17, heard(100))
    feed.take(0, 4, heard(200, "q"))
    feed.wait()
    assert sink.written == [Position("cluster/flows/3", 17), Position("cluster/flows/0", 4)]
    assert sink.watermarks == [100, 100, 100]
    assert feed.to_commit() == {}
    sink.safe = {"cluster/flows/3": 18, "cluster/flows/0": 4}
    assert feed.to_commit() == {3: 18, 0: 4}
    assert feed.to_commit() == {3: 18, 0: 4}, "nothing says yet that it was committed"
    feed.committed({3: 18, 0: 4})
    sink.safe["cluster/flows/0"] = 5
    assert feed.to_commit() == {0: 5}
    feed.committed({0: 5})
    assert feed.to_commit() == {}
