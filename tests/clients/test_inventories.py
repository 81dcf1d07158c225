"""Inventories: hosts, services, scans, dark space, access lists, stations, paths, comparisons."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.main import main
from sinks.formats import open_reader
from tests.clients.flows import SECOND, START
from tests.clients.inventory_flows import ACCEPTED, arp, file, flow
from topics.batch import concatenate
from topics.flags import FlowFlags, IcmpError, TcpState

if TYPE_CHECKING:
    from collections.abc import Iterator

Capture = pytest.CaptureFixture[bytes]
WEB, MAIL = "192.0.2.10", "192.0.2.25"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def rows(capture: Capture) -> list[str]:
    return [" ".join(line.split()) for line in capture.readouterr().out.decode().splitlines()]


def found(capture: Capture, *command: str, status: int = 0) -> list[dict[str, Any]]:
    """What a command says as JSON."""
    capture.readouterr()
    assert main([command[0], "-M", "json", *command[1:]]) == status
    return [json.loads(line) for line in capture.readouterr().out.decode().splitlines()]


@pytest.fixture
def office(tmp_path: Path) -> str:
    """Two clients of a web server, one more by IPv6, and one that nobody answers."""
    return file(
        tmp_path / "office.parquet",
        flow("10.0.0.1", WEB),
        flow("10.0.0.2", WEB, at=60),
        flow("10.0.0.2", WEB, at=70, src_port=50_001),
        flow("10.0.0.1", MAIL, 25, at=5),
        flow("2001:db8::1", "2001:db8::80", at=9),
        flow("10.0.0.3", "10.0.0.99", 22, at=10, answers=False),
        flow("10.0.0.3", "10.0.0.100", 22, at=11, answers=False),
    )


def test_hosts_have_their_peers_and_when_they_talked(office: str, capfdbinary: Capture) -> None:
    hosts = {row["host"]: row for row in found(capfdbinary, "rahosts", "-r", office)}
    assert set(hosts) == {"10.0.0.1", "10.0.0.2", "10.0.0.3", WEB, MAIL, "2001:db8::1", "2001:db8::80"}
    assert hosts[WEB] == {
        "host": WEB,
        "peers": 2,
        "records": 3,
        "began": 0,
        "sent_packets": 6,
        "got_packets": 6,
        "sent_bytes": 6000,
        "got_bytes": 600,
        "first": "2023-11-14T22:13:20.000",
        "last": "2023-11-14T22:14:31.000",
        "with": "10.0.0.1 - 10.0.0.2",
    }
    assert hosts["10.0.0.3"]["with"] == "10.0.0.99 - 10.0.0.100"


def test_hosts_may_be_listed_by_pair_and_as_argus_does(office: str, capfdbinary: Capture) -> None:
    pairs = found(capfdbinary, "rahosts", "-r", office, "-M", "pairs", "-", "host", "10.0.0.2")
    assert [(row["host"], row["peer"], row["records"], row["began"]) for row in pairs] == [
        ("10.0.0.2", WEB, 2, 2),
        (WEB, "10.0.0.2", 2, 0),
    ]
    sources = found(capfdbinary, "rahosts", "-r", office, "-M", "src")
    assert [row["host"] for row in sources] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1"]


def test_tables_are_aligned_for_people_and_plain_for_programs(office: str, capfdbinary: Capture) -> None:
    assert main(["rahosts", "-r", office, "-s", "host", "first", "with", "-", "host", MAIL]) == 0
    assert capfdbinary.readouterr().out.decode().splitlines() == [
        "      Host               First With       ",
        "  10.0.0.1 2023-11-14 22:13:25 192.0.2.25",
        "192.0.2.25 2023-11-14 22:13:25 10.0.0.1",
    ]
    assert main(["rahosts", "-r", office, "-c", ",", "-u", "-p", "1", "-s", "host,with,last", "-N", "o1"]) == 0
    assert rows(capfdbinary) == ["Host,With,Last", f'10.0.0.1,"{WEB}, {MAIL}",{START // SECOND + 6}.0']
    assert main(["rahosts", "-r", office, "-s", "hots"]) == 2
    assert "unknown column 'hots'; did you mean 'host'?" in capfdbinary.readouterr().err.decode()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("rahosts",), "no hosts: no record was selected"),
        (("raports",), "no services: "),
        (("rascan",), "no scans: "),
        (("radark",), "nobody sent to dark addresses of 10.0.0.0/8, "),
        (("rarpwatch",), "no ARP and no neighbour discovery "),
        (("rapath",), "no paths: "),
        (("racompare", "--before", "2020"), "nothing to compare"),
    ],
)
def test_nothing_is_said_to_be_nothing(command: tuple[str, ...], said: str, office: str, capfdbinary: Capture) -> None:
    for times in ((), ("-t", "2020")):  # a filter that selects nothing, a file that need not be read
        assert main([*command, "-r", office, *times, "-", "port", "9"]) == 1
        printed = capfdbinary.readouterr()
        assert printed.out == b""
        assert said in printed.err.decode()


@pytest.mark.parametrize("command", ["rahosts", "rascan", "rarpwatch"])
def test_a_damaged_file_is_named(command: str, office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    damaged = bytearray(Path(office).read_bytes())
    for place in range(100, len(damaged) // 2, 7):
        damaged[place] ^= 0xFF
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(damaged)
    assert main([command, "-r", str(broken)]) == 2
    assert str(broken) in capfdbinary.readouterr().err.decode()


def test_services_are_those_that_answered(office: str, capfdbinary: Capture) -> None:
    services = found(capfdbinary, "raports", "-r", office)
    assert [(row["host"], row["port"], row["clients"], row["records"]) for row in services] == [
        (WEB, "https", 2, 3),
        (MAIL, "smtp", 1, 1),
        ("2001:db8::80", "https", 1, 1),
    ]
    tried = found(capfdbinary, "raports", "-r", office, "-M", "all", "-n", "-", "port", "22")
    assert [(row["host"], row["port"], row["state"]) for row in tried] == [
        ("10.0.0.99", 22, "silent"),
        ("10.0.0.100", 22, "silent"),
    ]
    by_host = found(capfdbinary, "raports", "-r", office, "-M", "src", "hosts", "-", "host", "10.0.0.2")
    assert [(row["host"], row["count"], row["ports"]) for row in by_host] == [("10.0.0.2", 2, "50000 - 50001")]


def test_a_connection_seen_from_its_midst_is_of_the_lower_port(tmp_path: Path, capfdbinary: Capture) -> None:
    amidst = flow(WEB, "10.0.0.1", 50_000, src_port=443, tcp_state=int(ACCEPTED) & ~3, src_app_bytes=10)
    accepts = flow(WEB, "10.0.0.2", 50_000, answers=False, src_port=443, tcp_state=int(TcpState.SYN_ACK))
    services = found(capfdbinary, "raports", "-r", file(tmp_path / "midst.parquet", amidst, accepts))
    assert [(row["host"], row["port"], row["clients"]) for row in services] == [(WEB, "https", 2)]


def test_services_are_new_and_gone_since_a_baseline(office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    before = file(tmp_path / "before.parquet", flow("10.0.0.1", WEB), flow("10.0.0.1", "10.0.0.9", 22))
    command = ("raports", "-r", office, "--baseline", before)
    changes = [(row["change"], row["host"]) for row in found(capfdbinary, *command, "-", "ipv4")]
    assert changes == [("gone", "10.0.0.9"), ("new", MAIL)]
    everything = found(capfdbinary, *command, "-M", "all", "-", "ipv4")
    assert ("kept", WEB, 3) in [(row["change"], row["host"], row["records"]) for row in everything]
    assert main(["raports", "-r", before, "--baseline", before]) == 1
    assert "no service is new, none is gone" in capfdbinary.readouterr().err.decode()


def test_one_file_may_hold_both_times(office: str, capfdbinary: Capture) -> None:
    later = ("-t", "2023/11/14.22:14:00-22:15", "--before", "2023/11/14.22:13:00-22:13:59")
    changes = found(capfdbinary, "raports", "-r", office, *later, "-M", "all")
    assert [(row["change"], row["host"]) for row in changes if row["state"] == "open"] == [
        ("kept", WEB),
        ("gone", MAIL),
        ("gone", "2001:db8::80"),
    ]


@pytest.fixture
def scans(tmp_path: Path) -> str:
    """One host that tries 30 ports of another, and one that tries one port of 40; two of each answer."""
    ports = [flow("10.0.0.66", "10.0.0.5", port, at=port) for port in (22, 80)]
    ports += [flow("10.0.0.66", "10.0.0.5", port, at=port, answers=False) for port in range(1000, 1030)]
    hosts = [flow("198.51.100.7", f"10.0.1.{host}", 445, at=host) for host in (1, 2)]
    hosts += [flow("198.51.100.7", f"10.0.1.{host}", 445, at=host, answers=False) for host in range(3, 43)]
    return file(tmp_path / "scans.parquet", *ports, *hosts)


def test_scans_are_told_with_their_evidence(scans: str, capfdbinary: Capture) -> None:
    told = found(capfdbinary, "rascan", "-r", scans)
    assert [(row["rule"], row["scanner"], row["target"], row["tried"], row["answered"]) for row in told] == [
        ("horizontal-scan", "198.51.100.7", "dport 445", 40, 2),
        ("vertical-scan", "10.0.0.66", "10.0.0.5", 30, 2),
    ]
    assert told[1]["which"] == "1000 - 1029"
    assert told[0]["which"] == "10.0.1.3 - 10.0.1.42"
    begin = told[1]["query"].split()[1]
    assert begin == f"{START // SECOND + 1000}+31s"


def test_the_query_of_a_scan_selects_its_records(scans: str, capfdbinary: Capture) -> None:
    import shlex

    for row in found(capfdbinary, "rascan", "-r", scans):
        assert main(["racount", "-r", scans, *shlex.split(row["query"])]) == 0
        assert rows(capfdbinary)[1].split()[1] == str(row["records"])


def test_thresholds_and_rules_are_to_be_chosen(scans: str, capfdbinary: Capture) -> None:
    assert [row["rule"] for row in found(capfdbinary, "rascan", "-r", scans, "--over", "35")] == ["horizontal-scan"]
    assert len(found(capfdbinary, "rascan", "-r", scans, "--rule", "vertical-scan")) == 1
    assert main(["rascan", "-r", scans, "--rule", "beaconing"]) == 2
    assert "there is no rule of scans 'beaconing', but vertical-scan, " in capfdbinary.readouterr().err.decode()


def test_dark_is_an_address_from_which_nothing_came(scans: str, capfdbinary: Capture) -> None:
    told = found(capfdbinary, "radark", "-r", scans)
    assert [(row["scanner"], row["dark"], row["hosts"], row["answered"]) for row in told] == [
        ("198.51.100.7", 40, 42, 2)
    ]
    assert found(capfdbinary, "radark", "-r", scans, "-l", "10.0.0.0/24", status=1) == []
    assert main(["radark", "-r", scans, "-l", "everywhere"]) == 2


def test_only_scanners_from_outside_count_where_this_is_asked(tmp_path: Path, capfdbinary: Capture) -> None:
    inside = file(tmp_path / "inside.parquet", flow("10.0.0.1", "10.0.0.9", answers=False))
    assert [row["dark"] for row in found(capfdbinary, "radark", "-r", inside)] == [1]
    assert found(capfdbinary, "radark", "-r", inside, "-M", "outside", status=1) == []


ACL = """\
! what may pass
access-list 100 permit tcp any any eq 443
access-list 100 deny ip 10.0.0.3 0.0.0.0 any log
access-list 100 permit tcp any host 192.0.2.80
"""


@pytest.fixture
def acl(tmp_path: Path) -> str:
    path = tmp_path / "acl"
    path.write_text(ACL)
    return str(path)


def test_lines_of_an_access_list_are_counted_those_never_met_too(acl: str, office: str, capfdbinary: Capture) -> None:
    lines = found(capfdbinary, "rapolicy", "-f", acl, "-r", office)
    assert [(row["line"], row["action"], row["records"]) for row in lines] == [
        (2, "permit", 3),
        (3, "deny", 2),
        (4, "permit", 0),
        (None, "deny", 1),
    ]
    unused = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "unused")
    assert [row["rule"] for row in unused] == ["access-list 100 permit tcp any host 192.0.2.80"]


def test_records_are_put_out_with_the_line_they_met(
    acl: str, office: str, tmp_path: Path, capfdbinary: Capture
) -> None:
    denied = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "deny", "-s", "daddr", "label", "-", "ipv4")
    assert [(row["daddr"], row["label"]) for row in denied] == [
        (MAIL, "ACL=ImplicitDeny_100"),
        ("10.0.0.99", "ACL=Deny_100_Line_0003"),
        ("10.0.0.100", "ACL=Deny_100_Line_0003"),
    ]
    logged = found(capfdbinary, "rapolicy", "-f", acl, "-r", office, "-M", "log", "-s", "daddr")
    assert [row["daddr"] for row in logged] == ["10.0.0.99", "10.0.0.100"]
    target = str(tmp_path / "labelled.parquet")
    assert main(["rapolicy", "-f", acl, "-r", office, "-M", "label", "-w", target]) == 0
    batch = concatenate(open_reader(target))
    assert len(batch) == 7
    assert main(["ra", "-r", target, "-q", "-", 'label ~ "Permit_100_Line_0002"']) == 0


def test_a_rapolicy_conf_says_what_is_shown(acl: str, office: str, tmp_path: Path, capfdbinary: Capture) -> None:
    conf = tmp_path / "rapolicy.conf"
    conf.write_text(f'# ours\nRA_POLICY_SHOW_WHICH="deny"\nRA_POLICY_LABEL_LOG="yes"\nRA_POLICY_ACL_FILE="{acl}"\n')
    denied = found(capfdbinary, "rapolicy", "-f", str(conf), "-r", office, "-s", "daddr", "label", "-", "ipv4")
    assert [(row["daddr"], row["label"]) for row in denied] == [
        (MAIL, None),
        ("10.0.0.99", "ACL=Deny_100_Line_0003"),
        ("10.0.0.100", "ACL=Deny_100_Line_0003"),
    ]
    conf.write_text("RA_POLICY_JUST_LABEL=yes\n")
    assert main(["rapolicy", "-f", str(conf), "-r", office]) == 2
    assert "names no access list" in capfdbinary.readouterr().err.decode()


OLD, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:66"


def test_stations_that_are_new_and_addresses_that_move_are_told(tmp_path: Path, capfdbinary: Capture) -> None:
    macs = (OLD, OTHER, OLD)
    claims = [arp("10.0.0.1", mac, "10.0.0.9", at=10 * turn) for turn, mac in enumerate(macs)]
    records = file(tmp_path / "arp.parquet", arp("10.0.0.66", OTHER, "10.0.0.1", at=1), *claims)
    told = found(capfdbinary, "rarpwatch", "-r", records)
    assert [(row["event"], row["address"], row["mac"], row["was"], row["also"]) for row in told] == [
        ("new station", "10.0.0.1", OLD, None, None),
        ("new station", "10.0.0.66", OTHER, None, None),
        ("changed", "10.0.0.1", OTHER, OLD, "10.0.0.66"),
        ("flip-flop", "10.0.0.1", OLD, OTHER, None),
    ]


def test_a_state_file_remembers_stations(tmp_path: Path, capfdbinary: Capture) -> None:
    state = tmp_path / "arp.dat"
    state.write_text("2:0:0:0:0:1\t10.0.0.1\t1600000000\trouter\n")  # as arpwatch writes it
    records = file(tmp_path / "arp.parquet", arp("10.0.0.1", OTHER, "10.0.0.9", at=0))
    command = ("rarpwatch", "-r", records, "-f", str(state))
    assert [(row["event"], row["was"]) for row in found(capfdbinary, *command)] == [("changed", OLD)]
    assert found(capfdbinary, *command, status=1) == []
    assert state.read_text() == f"{OLD}\t10.0.0.1\t1600000000\n{OTHER}\t10.0.0.1\t{START // SECOND + 1}\n"
    state.write_text("nonsense\n")
    assert main(list(command)) == 2
    assert f"{state}: line 1 is no station" in capfdbinary.readouterr().err.decode()


def test_changes_are_told_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture) -> None:
    from clients.inventory import beside

    monkeypatch.setattr(beside, "is_read_twice", lambda _: False)
    parts = [file(tmp_path / f"{mac[-2:]}.arrow", arp("10.0.0.1", mac, "10.0.0.9", at=0)) for mac in (OLD, OTHER)]
    assert main(["rarpwatch", "-f", str(tmp_path / "state"), "-r", *parts, "-s", "event", "mac"]) == 0
    assert rows(capfdbinary) == ["Event MAC", f"new station {OLD}", f"changed {OTHER}"]
    assert len((tmp_path / "state").read_text().splitlines()) == 2
    assert main(["rarpwatch", "-r", parts[0], "-M", "changes"]) == 1
    assert b"nothing changed" in capfdbinary.readouterr().err


def test_who_was_asked_by_a_broadcast_has_not_its_address(tmp_path: Path, capfdbinary: Capture) -> None:
    answered: dict[str, Any] = {"dst_packets": 1, "dst_first": START, "dst_last": START}
    records = file(
        tmp_path / "arp.parquet",
        arp("10.0.0.1", OLD, "10.0.0.2", at=0, **answered, flow_flags=int(FlowFlags.MULTIPLE_MACS)),
        arp("10.0.0.1", OLD, "10.0.0.3", at=1, told=OTHER, **answered),
    )
    stations = found(capfdbinary, "rarpwatch", "-r", records, "-M", "stations")
    assert [(row["address"], row["mac"]) for row in stations] == [("10.0.0.1", OLD), ("10.0.0.3", OTHER)]


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


def test_what_changed_between_two_archives_is_told(tmp_path: Path, capfdbinary: Capture) -> None:
    def day(grown: int, *others: str) -> list[Any]:
        steady = [flow("10.0.0.1", WEB, at=second) for second in range(60)]
        more = [flow("10.0.0.2", MAIL, 25, at=second, dst_bytes=grown + second % 3) for second in range(60)]
        return [*steady, *more, *(flow(other, WEB, at=second) for other in others for second in range(30))]

    before = file(tmp_path / "before.parquet", *day(1000, "10.0.0.3"))
    now = file(tmp_path / "now.parquet", *day(9000, "10.0.0.4"))
    changes = found(capfdbinary, "racompare", "-r", now, "--baseline", before)
    assert {(row["change"], row["host"]) for row in changes} == {
        ("grown", "10.0.0.2"),
        ("grown", MAIL),
        ("gone", "10.0.0.3"),
        ("new", "10.0.0.4"),
    }
    assert all(row["sure"] == "yes" and row["p"] <= 0.01 for row in changes)
    everybody = found(capfdbinary, "racompare", "-r", now, "--baseline", before, "-M", "all")
    assert (WEB, "no") in {(row["host"], row["sure"]) for row in everybody}
    services = found(capfdbinary, "racompare", "-r", now, "--baseline", before, "-m", "services")
    assert [(row["change"], row["host"], row["port"]) for row in services] == [("grown", MAIL, "smtp")]
    ports = found(
        capfdbinary, "racompare", "-r", now, "--baseline", before, "-m", "dport", "--metric", "records", status=1
    )
    assert ports == []


def test_a_single_burst_is_no_trend(tmp_path: Path, capfdbinary: Capture) -> None:
    steady = [flow("10.0.0.1", WEB, at=second) for second in range(60)]
    burst = [flow("10.0.0.2", WEB, at=30, src_bytes=10**9)]
    now, before = (
        file(tmp_path / name, *records) for name, records in (("a.parquet", steady + burst), ("b.parquet", steady))
    )
    assert found(capfdbinary, "racompare", "-r", now, "--baseline", before, status=1) == []
    assert main(["racompare", "-r", now]) == 2
    assert "say what to compare with" in capfdbinary.readouterr().err.decode()
