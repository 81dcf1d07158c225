"""TCP in stream order: against a model, and the cases that matter one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.control.streams import FIN, RST, SECOND, SEQUENCES, SYN, Limits, Piece, Segment, Streams

if TYPE_CHECKING:
    from collections.abc import Iterable

CLIENT, SERVER = b"client", b"server"
ACK = 0x10
TEXT = bytes(range(256)) * 8


class Conversation:
    """Segments of one connection whose client begins at `base`."""

    def __init__(self, base: int = 1000, limits: Limits | None = None) -> None:
        self.streams = Streams(limits or Limits())
        self.base, self.now = base, 0
        self.pieces: list[Piece] = []

    def send(
        self, begin: int, payload: bytes = b"", flags: int = ACK, *, reply: bool = False, cut: int | None = None
    ) -> list[Piece]:
        self.now += SECOND // 100
        ends = (SERVER, CLIENT) if reply else (CLIENT, SERVER)
        sequence = (self.base + begin - (1 if flags & SYN else 0)) % SEQUENCES
        segment = Segment(b"%d" % begin, self.now, sequence, flags, payload[:cut], len(payload))
        done = list(self.streams.take(*ends, segment))
        self.pieces += done
        return done

    def text(self, begin: int, end: int, flags: int = ACK) -> list[Piece]:
        return self.send(begin, TEXT[begin:end], flags)


def payloads(pieces: Iterable[Piece]) -> list[tuple[int, int, bytes]]:
    return [(piece.offset, piece.missing, piece.payload) for piece in pieces if not piece.last]


@pytest.mark.parametrize("base", [1000, 0, SEQUENCES - 1, SEQUENCES - 40, SEQUENCES // 2])
def test_segments_in_order_come_out_as_they_are(base: int) -> None:
    tcp = Conversation(base)
    assert tcp.send(0, flags=SYN) == []
    assert payloads(tcp.text(0, 30)) == [(0, 0, TEXT[:30])]
    assert payloads(tcp.text(30, 70)) == [(30, 0, TEXT[30:70])]


def test_what_comes_early_waits_for_what_is_before_it() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    assert tcp.text(20, 30) == tcp.text(10, 20) == []
    assert tcp.streams.held == 20
    done = tcp.text(0, 10)
    assert payloads(done) == [(0, 0, TEXT[:10]), (10, 0, TEXT[10:20]), (20, 0, TEXT[20:30])]
    assert [piece.head for piece in done] == [b"0", b"10", b"20"]
    assert tcp.streams.held == 0


def test_bytes_sent_again_are_given_once() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    tcp.text(0, 20)
    assert tcp.text(0, 20) == tcp.text(5, 15) == []
    assert payloads(tcp.text(15, 30)) == [(20, 0, TEXT[20:30])]
    assert tcp.text(40, 50) == tcp.text(40, 50) == tcp.text(40, 60) == []
    assert payloads(tcp.text(30, 45)) == [(30, 0, TEXT[30:45]), (45, 0, TEXT[45:50]), (50, 0, TEXT[50:60])]
    assert tcp.streams.counts["retransmitted_bytes"] == 20 + 10 + 5 + 10 + 10 + 5


def test_what_was_given_first_counts_where_copies_differ() -> None:
    tcp = Conversation()
    tcp.send(0, b"first", SYN)
    assert tcp.send(0, b"other") == []
    assert payloads(tcp.send(3, b"XXmore")) == [(5, 0, b"more")]


def test_a_loss_is_marked_when_too_much_waits() -> None:
    tcp = Conversation(limits=Limits(direction_bytes=25))
    tcp.send(0, flags=SYN)
    tcp.text(0, 10)
    assert tcp.text(30, 40) == tcp.text(50, 60) == []
    assert payloads(tcp.text(40, 50)) == [(30, 20, TEXT[30:40]), (40, 0, TEXT[40:50]), (50, 0, TEXT[50:60])]
    assert tcp.text(10, 30) == []
    assert tcp.streams.counts["missing_bytes"] == 20


def test_only_so_many_segments_and_bytes_of_all_wait() -> None:
    few = Conversation(limits=Limits(direction_segments=3))
    few.send(0, flags=SYN)
    for begin in (10, 30, 50):
        assert few.text(begin, begin + 1) == []
    assert payloads(few.text(70, 71)) == [(10, 10, TEXT[10:11])]
    streams = Streams(Limits(all_bytes=100))
    for port in range(50):
        ends = (b"%d" % port, SERVER)
        list(streams.take(*ends, Segment(b"", 1, 0, SYN, b"", 0)))
        list(streams.take(*ends, Segment(b"", 1, 11, ACK, b"x" * 10, 10)))
        assert streams.held <= 100


def test_connections_are_bounded_and_the_least_recent_go() -> None:
    streams = Streams(Limits(connections=3))
    pieces: list[Piece] = []
    for port in range(5):
        pieces += streams.take(b"%d" % port, SERVER, Segment(b"%d" % port, port, 7, ACK, b"x", 1))
        assert len(streams) <= 3
    assert [(piece.head, piece.last) for piece in pieces if piece.last] == [(b"0", True), (b"1", True)]
    assert streams.counts["evicted_streams"] == 2


def test_a_capture_that_begins_in_the_middle_counts_from_there() -> None:
    tcp = Conversation()
    assert payloads(tcp.text(500, 510)) == [(0, 0, TEXT[500:510])]
    assert tcp.text(490, 500) == []
    assert payloads(tcp.text(510, 520)) == [(10, 0, TEXT[510:520])]


def test_bytes_that_were_not_captured_are_missing_before_the_next() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    (cut,) = tcp.send(0, TEXT[:100], cut=40)
    assert (cut.payload, cut.length, cut.missing) == (TEXT[:40], 100, 0)
    assert payloads(tcp.text(100, 110)) == [(100, 60, TEXT[100:110])]


def test_both_ends_have_their_own_order_and_fin_ends_each() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    tcp.send(0, flags=SYN | ACK, reply=True)
    tcp.text(0, 5)
    assert payloads(tcp.send(0, b"answer", reply=True)) == [(0, 0, b"answer")]
    assert tcp.send(5, flags=FIN | ACK) == []
    ends = tcp.send(6, flags=FIN | ACK, reply=True)
    assert [(piece.last, piece.offset, piece.payload) for piece in ends] == [(True, 5, b""), (True, 6, b"")]
    assert {piece.stream for piece in tcp.pieces} == {SECOND // 100}
    assert tcp.text(0, 5) == tcp.send(5, flags=FIN | ACK) == []
    assert list(tcp.streams.flush()) == []


def test_a_fin_that_comes_early_waits_too() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    tcp.send(0, flags=SYN | ACK | FIN, reply=True)
    assert tcp.text(10, 20, FIN | ACK) == []
    done = tcp.text(0, 10)
    assert [(piece.offset, piece.last) for piece in done] == [(0, False), (10, False), (20, True)]


def test_a_reset_ends_a_connection_only_where_it_belongs() -> None:
    tcp = Conversation()
    tcp.text(0, 10, SYN | ACK)
    assert tcp.send(500, flags=RST) == []
    assert payloads(tcp.text(10, 20)) == [(10, 0, TEXT[10:20])]
    assert [piece.last for piece in tcp.send(20, flags=RST)] == [True]
    assert len(tcp.streams) == 0


def test_another_connection_between_the_same_ends_is_another_stream() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    tcp.text(0, 5)
    tcp.text(10, 15)
    tcp.base = 77_777
    ended = tcp.send(0, flags=SYN)
    assert [(piece.offset, piece.missing, piece.payload) for piece in ended] == [(10, 5, TEXT[10:15]), (15, 0, b"")]
    (piece,) = tcp.text(0, 5)
    assert (piece.offset, piece.payload) == (0, TEXT[:5])
    assert piece.stream > ended[0].stream


def test_a_syn_sent_again_changes_nothing() -> None:
    tcp = Conversation()
    tcp.send(0, flags=SYN)
    tcp.text(0, 5)
    assert tcp.send(0, flags=SYN) == []
    assert payloads(tcp.text(5, 9)) == [(5, 0, TEXT[5:9])]


def test_segments_from_nowhere_are_left_out() -> None:
    tcp = Conversation()
    tcp.text(0, 10)
    assert tcp.send(2**31 - 5, b"far") == []
    assert tcp.send(-(2**30) - 5, b"far") == []
    assert tcp.streams.counts["strange_segments"] == 2
    assert payloads(tcp.text(10, 20)) == [(10, 0, TEXT[10:20])]


def test_idle_connections_give_up_what_waits() -> None:
    tcp = Conversation(limits=Limits(idle=60 * SECOND))
    tcp.send(0, flags=SYN)
    tcp.text(5, 10)
    assert list(tcp.streams.expire(60 * SECOND)) == []
    given_up = list(tcp.streams.expire(61 * SECOND))
    assert [(piece.missing, piece.payload, piece.last) for piece in given_up] == [
        (5, TEXT[5:10], False),
        (0, b"", True),
    ]
    assert len(tcp.streams) == tcp.streams.held == 0


@given(
    st.integers(0, SEQUENCES - 1),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=60),
)
@settings(deadline=None, max_examples=200)
def test_whatever_the_order_every_byte_seen_comes_out_once_in_its_place(
    base: int, parts: list[tuple[int, int]]
) -> None:
    tcp = Conversation(base)
    tcp.send(0, flags=SYN)
    for begin, size in parts:
        tcp.text(begin, begin + size)
    tcp.pieces += tcp.streams.flush()
    seen = {place for begin, size in parts for place in range(begin, begin + size)}
    given = [piece.offset + index for piece in tcp.pieces for index in range(len(piece.payload))]
    assert given == sorted(seen)
    assert b"".join(piece.payload for piece in tcp.pieces) == bytes(TEXT[place] for place in sorted(seen))
    reached = 0
    for piece in tcp.pieces:
        assert piece.offset == reached + piece.missing
        reached = piece.offset + piece.length
    assert tcp.streams.held == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, SEQUENCES - 1), st.integers(0, 63), st.binary(max_size=40)),
        max_size=80,
    )
)
@settings(deadline=None, max_examples=100)
def test_nonsense_stays_within_its_limits(segments: list[tuple[int, int, int, bytes]]) -> None:
    limits = Limits(direction_bytes=100, direction_segments=4, all_bytes=200, connections=2, idle=10)
    streams = Streams(limits)
    for now, (port, sequence, flags, payload) in enumerate(segments):
        segment = Segment(b"", now, sequence, flags, payload, len(payload) + now % 3)
        ends = (b"%d" % (port // 2), SERVER) if port % 2 else (SERVER, b"%d" % (port // 2))
        for piece in streams.take(*ends, segment):
            assert piece.missing >= 0
            assert piece.offset >= 0
        assert streams.held <= 200 + 40
        assert len(streams) <= 2
    list(streams.flush())
    assert streams.held == 0
