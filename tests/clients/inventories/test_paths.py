from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.main import main
from tests.clients.flows import SECOND, START
from tests.clients.inventories.asked import found, rows
from tests.clients.inventories.flows import file, flow
from topics.flags import IcmpError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.inventories.asked import Capture


def traced(hop: int, router: str, at: float, lasted: float) -> Any:
    """A packet whose time was exceeded at a router, as Argus has it: the error prolongs the record."""
    last = START + round((at + lasted) * SECOND)
    fields = {"protocol": 17, "src_ttl": hop, "icmp_error": int(IcmpError.TIME_EXCEEDED), "icmp_error_router": router}
    return flow("10.0.0.1", "192.0.2.1", 33434 + hop, at, answers=False, src_packets=1, src_last=last, **fields)


def test_paths_are_listed_and_drawn(tmp_path: Path, capfdbinary: Capture) -> None:
    hops = [(1, "10.0.0.254", 0.001), (1, "10.0.0.254", 0.003), (2, "198.51.100.1", 0.01), (2, "198.51.100.2", 0.02)]
    records = [traced(hop, router, at, rtt) for at, (hop, router, rtt) in enumerate(hops)]
    trace = file(tmp_path / "trace.parquet", *records, traced(3, "203.0.113.1", 9, 0.03))
    listed = found(capfdbinary, "rapath", "-r", trace)
    assert [(row["router"], row["hop"], row["mean"], row["min"], row["count"]) for row in listed][:2] == [
        ("10.0.0.254", 1, 0.002, 0.001, 2),
        ("198.51.100.1", 2, 0.01, 0.01, 1),
    ]
    drawn = {
        ("-A",): "A -> {B,C} -> D",
        ("-A", "-M", "addr"): "10.0.0.254 -> {198.51.100.1,198.51.100.2} -> 203.0.113.1",
        ("-A", "-M", "aspath", "dist"): "A:1 -> {B,C}:2 -> D:3",
    }
    for options, path in drawn.items():
        assert main(["rapath", "-q", "-r", trace, *options]) == 0
        assert rows(capfdbinary) == [f"tap(10.0.0.1::192.0.2.1) {path}"]
    assert main(["rapath", "-q", "-A", "-r", trace, "-m", "saddr/8", "daddr/24"]) == 0
    assert rows(capfdbinary) == ["tap(10.0.0.0/8::192.0.2.0/24) A -> {B,C} -> D"]


def test_round_trips_are_measured_by_the_records_of_errors_too(tmp_path: Path, capfdbinary: Capture) -> None:
    errors = flow("10.0.0.254", "10.0.0.1", 0, 0.005, answers=False, protocol=1, src_port=11 << 8, tcp_state=0)
    errors.records["src_last"] = START + round(1.007 * SECOND)
    probes = [traced(1, "10.0.0.254", at, 0) for at in (0, 1)]
    (listed,) = found(capfdbinary, "rapath", "-r", file(tmp_path / "trace.parquet", errors, *probes))
    assert (listed["min"], listed["mean"], listed["max"], listed["count"]) == (0.005, 0.006, 0.007, 2)


def test_the_time_that_the_probe_measured_goes_before(tmp_path: Path, capfdbinary: Capture) -> None:
    errors = flow("10.0.0.254", "10.0.0.1", 0, 0.005, answers=False, protocol=1, src_port=11 << 8, tcp_state=0)
    errors.records["src_last"] = START + round(2.007 * SECOND)
    probes = [traced(1, "10.0.0.254", at, 0) for at in (0, 1, 2)]
    for number, probe in enumerate(probes):
        probe.records["icmp_error_time"] = [2_000_000, 4_000_000, 0][number]
    (listed,) = found(capfdbinary, "rapath", "-r", file(tmp_path / "trace.parquet", errors, *probes))
    assert (listed["min"], listed["max"], listed["count"]) == (0.002, 0.007, 3), "the last by the record of the error"


def test_a_merged_record_tells_of_its_first_router_alone(tmp_path: Path, capfdbinary: Capture) -> None:
    probes = [traced(hop, router, hop, 0) for hop, router in ((1, "10.0.0.254"), (2, "198.51.100.1"))]
    for number, probe in enumerate(probes):
        probe.records["icmp_error_time"] = [800_000, 5_000_000][number]
    trace, merged = file(tmp_path / "trace.parquet", *probes), str(tmp_path / "merged.parquet")
    assert main(["racluster", "-r", trace, "-m", "saddr", "daddr", "-w", merged]) == 0
    (listed,) = found(capfdbinary, "rapath", "-r", merged)
    assert (listed["router"], listed["hop"], listed["mean"], listed["count"]) == ("10.0.0.254", 1, 0.0008, 1)
