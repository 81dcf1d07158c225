from sinks.room import MARGIN, Room, free_bytes
from topics.errors import DiskFullError


def full(size: int) -> DiskFullError:
    error = DiskFullError("/archive/x: No space left on device")
    error.directory, error.size = "/archive", size
    return error


def test_room_for_what_was_written_and_some_more_is_waited_for() -> None:
    now, free = [0.0], {"/archive": 0}
    room = Room(lambda: now[0], free.__getitem__)
    assert not room.is_wanted()
    room.refused(full(1000))
    free["/archive"] = MARGIN + 999
    now[0] = 60.0
    assert room.is_wanted()
    free["/archive"] = MARGIN + 1000
    now[0] = 61.0
    assert room.is_wanted(), "the disk is not looked at all the time"
    now[0] = 62.0
    assert not room.is_wanted()


def test_attempts_that_keep_nothing_become_rare() -> None:
    now = [0.0]
    room = Room(lambda: now[0], lambda _: 1 << 40)
    waits = []
    for _ in range(8):
        room.refused(full(0))
        begun = now[0]
        while room.is_wanted():
            now[0] += 1.0
        waits.append(now[0] - begun)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    room.kept()
    room.refused(full(0))
    now[0] += 2.0
    assert not room.is_wanted()


def test_a_disk_tells_its_room() -> None:
    assert free_bytes("/") > 0
