"""Histograms of packet sizes and inter-packet times: counted by the probe when asked, and exactly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.probes.observed import CLIENT, SERVER, batch_of, block, heap_field, only
from tests.traffic.packets import udp_frame
from topics.histograms import ACTIVE, COUNTS, IDLE, SIZES, VECTOR_BYTES, counts_of

HEADERS = 14 + 20 + 8
OF_FIRST_BIN = 60  # bytes of a frame


def sent(length: int = OF_FIRST_BIN) -> bytes:
    """A frame of the client of so many bytes."""
    return udp_frame(CLIENT, SERVER, 4000, 5000, bytes(length - HEADERS))


def answered(length: int = OF_FIRST_BIN) -> bytes:
    return udp_frame(SERVER, CLIENT, 5000, 4000, bytes(length - HEADERS))


def vector(frames: list[tuple[float, bytes]], side: str = "src", **settings: Any) -> bytes:
    batch = batch_of([block(frames)], **settings)
    return heap_field(batch, only(batch.records), f"{side}_histograms")


@pytest.mark.parametrize(
    ("length", "place"),
    [(60, 0), (71, 0), (72, 1), (103, 1), (104, 2), (296, 4), (1064, 6), (1514, 6), (2087, 6), (2088, 7), (60_000, 7)],
)
def test_a_packet_counts_in_the_bin_of_its_size(length: int, place: int) -> None:
    counts = counts_of(vector([(0, sent(length))], count_sizes=True), SIZES)
    assert counts == [int(number == place) for number in range(8)]


@pytest.mark.parametrize(
    ("gap", "place"),
    [
        (9e-6, 0),
        (1e-5, 1),
        (99e-6, 1),
        (1e-4, 2),
        (0.001, 3),
        (0.01, 4),
        (0.1, 5),
        (0.999, 5),
        (1, 6),
        (9.9, 6),
        (15, 7),
    ],
)
def test_a_time_between_packets_counts_in_the_bin_of_its_length(gap: float, place: int) -> None:
    frames = [(0, sent()), (gap, sent())]
    counts = counts_of(vector(frames, count_intervals=True, status_interval=20_000_000_000), ACTIVE)
    assert counts == [int(number == place) for number in range(8)]


def test_each_direction_has_counts_of_its_own() -> None:
    frames = [(0, sent()), (0.5, answered(200)), (1, sent()), (1.5, answered(1000))]
    settings = {"count_sizes": True, "count_intervals": True}
    assert counts_of(vector(frames, "src", **settings), SIZES) == [2, 0, 0, 0, 0, 0, 0, 0]
    assert counts_of(vector(frames, "dst", **settings), SIZES) == [0, 0, 0, 1, 0, 1, 0, 0]
    assert sum(counts_of(vector(frames, "dst", **settings), ACTIVE)) == 1
    assert not any(counts_of(vector(frames, "dst", **settings), IDLE))


def test_only_what_is_asked_for_is_counted() -> None:
    frames = [(0, sent()), (0.5, sent())]
    assert vector(frames) == b""
    assert not any(counts_of(vector(frames, count_sizes=True), ACTIVE))
    assert not any(counts_of(vector(frames, count_intervals=True), SIZES))
    assert vector(frames, "dst", count_sizes=True) == b"", "who sent nothing has no counts"


def test_counts_begin_anew_with_each_record() -> None:
    batch = batch_of([block([(each, sent()) for each in range(12)])], count_sizes=True)
    vectors = [heap_field(batch, record, "src_histograms") for record in batch.records]
    assert [len(each) for each in vectors] == [VECTOR_BYTES] * len(batch)
    assert [sum(counts_of(each, SIZES)) for each in vectors] == batch.records["src_packets"].tolist()


def test_counts_survive_the_growth_of_the_table() -> None:
    frames = [(0.0, udp_frame(CLIENT, SERVER, 1 + port, 5000, bytes(20))) for port in range(5000)]
    batch = batch_of([block(frames), block([(1.0, frame) for _, frame in frames])], count_sizes=True)
    assert len(batch) == len(frames)
    assert all(heap_field(batch, record, "src_histograms")[0] == 2 for record in batch.records)


def test_bytes_that_are_no_vector_say_nothing() -> None:
    assert counts_of(b"", SIZES) == counts_of(bytes(VECTOR_BYTES - 1), SIZES) == []
    assert COUNTS * 4 == VECTOR_BYTES
