import io
import struct
from collections import Counter
from pathlib import Path

import dpkt
import numpy as np
import pytest

from tests.traffic.bulk.capture import bulk_rows, write_bulk
from tests.traffic.bulk.table import ARP, ICMP, ICMPV6, PACKET, SYN, TCP, UDP, Rows, numbered
from tests.traffic.frame_check import problem

PACKETS = 60_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("bulk") / "whole.pcap"
    write_bulk(path, PACKETS)
    return path.read_bytes()


@pytest.fixture(scope="module")
def rows() -> Rows:
    return np.concatenate(list(bulk_rows(4 * PACKETS, seed=1)))


def flow_keys(rows: Rows) -> set[tuple[int, ...]]:
    """Flows without direction as argus tells them apart: pings by sequence number, lookups by transaction."""
    low, high = np.minimum(rows["source"], rows["destination"]), np.maximum(rows["source"], rows["destination"])
    ports = np.sort(np.stack([rows["source_port"], rows["destination_port"]]), axis=0)
    columns = low, high, rows["protocol"], *ports, rows["number"]
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_same_arguments_give_the_same_bytes_and_another_seed_others(whole: bytes, tmp_path: Path) -> None:
    write_bulk(tmp_path / "again", PACKETS)
    write_bulk(tmp_path / "other", PACKETS, seed=2)
    assert (tmp_path / "again").read_bytes() == whole
    assert (tmp_path / "other").read_bytes() != whole


def test_capture_is_as_long_as_asked_for_and_begins_a_longer_one(whole: bytes, tmp_path: Path) -> None:
    write_bulk(tmp_path / "short", PACKETS // 3)
    short = (tmp_path / "short").read_bytes()
    assert whole.startswith(short)
    assert sum(1 for _ in dpkt.pcap.Reader(io.BytesIO(short))) == PACKETS // 3


def test_every_frame_parses_with_right_lengths_and_checksums(whole: bytes) -> None:
    frames = [frame for number, (_, frame) in enumerate(dpkt.pcap.Reader(io.BytesIO(whole))) if number % 7 == 0]
    assert Counter(problem(frame) for frame in frames) == {None: len(frames)}


def test_packets_are_in_order_and_keep_the_pace(rows: Rows) -> None:
    assert np.all(np.diff(rows["time"]) >= 0)
    assert rows["time"][-1] / 1e6 == pytest.approx(4 * PACKETS * 600 / 2e6, rel=0.12)


def test_seconds_stretch_the_same_traffic() -> None:
    slow = np.concatenate(list(bulk_rows(PACKETS, seed=1, seconds=180)))
    assert slow["time"][-1] / 1e6 == pytest.approx(180, rel=0.12)


def test_lookups_are_real_messages(whole: bytes) -> None:
    outcomes: Counter[tuple[int, int]] = Counter()
    for _, frame in dpkt.pcap.Reader(io.BytesIO(whole)):
        datagram = dpkt.ethernet.Ethernet(frame).data.data
        if isinstance(datagram, dpkt.udp.UDP) and 53 in (datagram.sport, datagram.dport):
            message = dpkt.dns.DNS(datagram.data)
            assert message.qd[0].name.endswith(".example.com")
            outcomes[message.qr, message.rcode] += 1
    assert outcomes[1, 0] > 10 * outcomes[1, 3] > 0
    assert 0.9 * outcomes[0, 0] < outcomes[1, 0] + outcomes[1, 3] < outcomes[0, 0]


def test_mix_is_that_of_a_busy_network(rows: Rows) -> None:
    share = {protocol: np.mean(rows["protocol"] == protocol) for protocol in (ARP, ICMP, TCP, UDP)}
    assert 0.80 < share[TCP] < 0.90
    assert 0.09 < share[UDP] < 0.17
    assert 0.005 < share[ICMP] < 0.012
    assert 0.001 < share[ARP] < 0.004
    assert 0.06 < np.mean(rows["version"] == 6) < 0.10
    assert np.count_nonzero(rows["protocol"] == ICMPV6) > 50
    assert 11.5 < len(rows) / len(flow_keys(rows)) < 15
    assert len(np.unique(rows["source"][rows["source"] < 5000])) > 4500


def test_flows_have_the_shares_of_the_draws(rows: Rows) -> None:
    keys = flow_keys(rows)
    # Of 100 draws 43 are lookups, 7 pings and 1 is a scan of 20; with 42 sessions that makes 119 flows.
    lookups = sum(53 in key[3:5] and key[2] == UDP for key in keys) / len(keys)
    pings = sum(key[2] in {ICMP, ICMPV6} for key in keys) / len(keys)
    assert lookups == pytest.approx(43 / 119, rel=0.1)
    assert pings == pytest.approx(7 / 119, rel=0.2)
    assert sum(key[2] == TCP for key in keys) / len(keys) == pytest.approx(62 / 119, rel=0.1)


def test_packets_have_the_mean_size_of_the_reference(whole: bytes) -> None:
    assert (len(whole) - 24) / PACKETS - 16 == pytest.approx(645, rel=0.12)


def test_some_segments_are_sent_again_or_overtaken(rows: Rows) -> None:
    data = rows[(rows["protocol"] == TCP) & (rows["payload"] > 0)]
    identity = ["source", "destination", "source_port", "destination_port", "sequence"]
    repeated = len(data) - len(np.unique(data[identity]))
    assert 0.01 < repeated / len(data) < 0.03
    one_way = data[np.lexsort((data["time"], data["destination_port"], data["source_port"], data["source"]))]
    same = np.all([one_way[name][1:] == one_way[name][:-1] for name in identity[:4]], axis=0)
    backwards = (one_way["sequence"][1:] - one_way["sequence"][:-1]) >= 2**31
    assert 0.002 < np.count_nonzero(same & backwards) / len(data) < 0.03


def test_acknowledgements_never_run_ahead_of_what_was_sent(rows: Rows) -> None:
    tcp = rows[rows["protocol"] == TCP]
    highest: dict[tuple[int, ...], int] = {}
    ahead = 0
    for row in tcp[:60_000].tolist():
        _, source, destination, sequence, acknowledgement, source_port, destination_port, _, payload, *_, flags, _ = row
        here = source, source_port, destination, destination_port
        there = destination, destination_port, source, source_port
        end = sequence + payload + bool(flags & 3)
        highest[here] = max(highest.get(here, 0), end)
        ahead += bool(flags & 16 and there in highest and acknowledgement > highest[there])
    assert ahead == 0


def test_unanswered_syns_are_repeated_with_the_same_number(rows: Rows) -> None:
    syns = rows[(rows["protocol"] == TCP) & (rows["flags"] == SYN)]
    _, counts = np.unique(syns[["source", "source_port", "destination", "sequence"]], return_counts=True)
    assert np.count_nonzero(counts == 3) > 100
    assert counts.max() == 3


def test_snaplen_cuts_the_file_and_not_the_lengths(whole: bytes, tmp_path: Path) -> None:
    write_bulk(tmp_path / "cut", PACKETS // 6, snaplen=128)
    cut, place, place_whole = (tmp_path / "cut").read_bytes(), 24, 24
    assert struct.unpack_from("<I", cut, 16)[0] == 128
    while place < len(cut):
        captured, length = struct.unpack_from("<II", cut, place + 8)
        assert captured == min(length, 128)
        headers = slice(place_whole + 16 + 14, place_whole + 16 + min(captured, 34))
        shift = place - place_whole
        assert cut[headers.start + shift : headers.stop + shift] == whole[headers]
        place, place_whole = place + 16 + captured, place_whole + 16 + length


def test_numbered_and_sum_before_work_group_by_group() -> None:
    group, position = numbered(np.array([2, 0, 3]))
    assert group.tolist() == [0, 0, 2, 2, 2]
    assert position.tolist() == [0, 1, 0, 1, 2]


def test_rows_are_as_wide_as_their_columns() -> None:
    assert PACKET.itemsize == sum(PACKET[name].itemsize for name in PACKET.names or ())


@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_ports_of_clients_are_ephemeral(rows: Rows, protocol: int) -> None:
    chosen = rows[(rows["protocol"] == protocol) & (rows["source"] < 5000)]
    assert chosen["source_port"].min() >= 32768
