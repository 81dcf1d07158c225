"""What is printed, held against what ra prints of the same records."""

import time
from collections.abc import Iterator

import pytest

from clients.listing.columns import columns
from clients.listing.lines import Listing
from tests.argus_records import run_ra
from tests.topics.conftest import ArgusSample
from topics.fields import Style, fields

NUMBERS = Style(port_names=False, protocol_names=False)
# Ours and Argus's differ on purpose: Argus mixes up or leaves out what it prints there.
DIFFERENT = {
    **dict.fromkeys(("soui", "doui"), "Argus prints nothing"),
    **dict.fromkeys(("sintpktmax", "sintpktmin", "dintpktmax", "dintpktmin"), "Argus takes the larger minimum"),
    **dict.fromkeys(("sjit", "djit"), "Argus mixes units where both idle and active times were measured"),
    **dict.fromkeys(("sjitact", "djitact", "sjitidl", "djitidl"), "Argus keeps deviations in single precision"),
    **dict.fromkeys(("retrans", "sretrans", "dretrans"), "Argus counts those of TCP as loss only"),
    **dict.fromkeys(("pretrans", "spretrans", "dpretrans"), "Argus counts those of TCP as loss only"),
    **dict.fromkeys(("suser", "duser"), "compared in fixed columns, since they may hold the delimiter"),
    **dict.fromkeys(("srcid", "sid", "inf", "site"), "probes have names here"),
    "rank": "the printer numbers records",
    **dict.fromkeys(("seq", "hash", "type", "etype", "smss", "dmss"), "unknown to Argus 3, or of another meaning"),
    **dict.fromkeys(("smask", "dmask", "node", "intflow", "intflowsdev", "score", "loc"), "unknown to Argus 3"),
    **dict.fromkeys(
        (f"{side}{name}" for side in "sd" for name in ("macoui", "macclass", "vnid", "greaddr", "genaddr")),
        "unknown to Argus 3",
    ),
    **dict.fromkeys(
        (f"{side}{name}" for side in "sdi" for name in ("lat", "lon", "loc", "grp", "name")), "unknown to Argus 3"
    ),
    **dict.fromkeys(("observation", "corpkts", "dlclock"), "not in Argus"),
    **dict.fromkeys(("greproto", "genproto"), "unknown to Argus 3"),
    **dict.fromkeys(("stcpmax", "dtcpmax"), "Argus mixes up the units of the two directions"),
    **dict.fromkeys(("rtime", "idle"), "Argus prints times that have nothing to do with the record"),
    **dict.fromkeys(("offset", "resp", "cor", "autoid"), "blank here"),
    **dict.fromkeys(("xxx", "tcpext"), "Argus has no heading for them"),
    **dict.fromkeys(("communityid", "alert"), "unknown to Argus 3"),
    **dict.fromkeys(
        (
            f"{side}{name}"
            for side in "sd"
            for name in ("process", "pid", "owner", "container", "pod", "sure", "station", "switch", "swport")
        ),
        "unknown to Argus 3",
    ),
    **dict.fromkeys(("snet", "dnet"), "Argus prints 0.0.0.0 for IPv6 and ARP"),
}
COMPARED = [name for name in fields() if name not in DIFFERENT]
DEFAULTS = columns([])


@pytest.fixture(params=["UTC"], autouse=True)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The local time zone while the test runs."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("option", ["-n", "-nn"])
def test_a_listing_is_that_of_ra_byte_for_byte(argus_sample: ArgusSample, option: str) -> None:
    style = Style(port_names=False, protocol_names=option == "-n")
    ours = Listing(DEFAULTS, style).lines(argus_sample.frame).to_list()
    theirs = run_ra(argus_sample.path, option, "-L", "-1").splitlines()
    assert len(theirs) > 500
    assert ours == theirs


def test_names_are_those_of_ra_but_for_rare_services(argus_sample: ArgusSample) -> None:
    ours = Listing(DEFAULTS, Style()).lines(argus_sample.frame).to_list()
    theirs = run_ra(argus_sample.path, "-L", "-1").splitlines()
    different = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    assert len(different) < len(ours) / 50  # ra takes names from /etc/services of its host


def test_every_column_has_the_heading_of_ra(argus_sample: ArgusSample) -> None:
    for name in (*COMPARED, "soui", "sjit", "djitact", "retrans", "suser"):
        ours = Listing(columns([name]), Style(), ",").heading()
        assert run_ra(argus_sample.path, "-L", "0", "-c", ",", "-s", name).split("\n")[0] == ours, name


def test_headings_stand_over_their_columns_as_in_ra(argus_sample: ArgusSample) -> None:
    misplaced = {
        "sstime",
        "sltime",
        "dstime",
        "dltime",
        "seq",
        "rank",
        "bins",
        "binnum",
    }  # ra sets these headings beside their columns
    for name in set(COMPARED) - misplaced:
        ours = Listing(columns([name]), Style()).heading()
        assert run_ra(argus_sample.path, "-L", "0", "-s", name).split("\n")[0] == ours, name


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"], indirect=True)
def test_every_value_is_that_of_ra(argus_sample: ArgusSample, zone: str) -> None:
    expressions = [fields()[name].text(NUMBERS).fill_null("").str.strip_chars(" ").alias(name) for name in COMPARED]
    ours = argus_sample.frame.select(expressions).rows()
    printed = run_ra(argus_sample.path, "-nn", "-c", "|", "-L", "-1", "-s", *COMPARED, timezone=zone)
    theirs = [[value.strip() for value in line.split("|")] for line in printed.splitlines()]
    different = [
        (name, mine, argus)
        for mine_row, argus_row in zip(ours, theirs, strict=True)
        for name, mine, argus in zip(COMPARED, mine_row, [*argus_row, ""] * 2, strict=False)
        if not _agree(mine, argus) and (name, mine) != ("swin", "0")  # of a lone SYN Argus prints nearly always 0
    ]
    assert different == []


def _agree(ours: str, theirs: str) -> bool:
    """Equal text, or numbers of equal format and of nearly equal value: Argus computes in single precision."""
    if ours == theirs:
        return True
    if {ours, theirs} == {"", "0.000000"}:  # of nothing measured, ra prints one or the other
        return True
    try:
        mine, argus = float(ours), float(theirs)
    except ValueError:
        return False
    if (len(ours.partition(".")[2])) != len(theirs.partition(".")[2]):
        return False
    return abs(mine - argus) <= max(2e-6, abs(argus) * 1e-6)


@pytest.mark.parametrize(
    "words",
    [
        ["saddr:6", "sport", "dport:3"],
        ["stime:9", "dur:5", "bytes:3"],
        ["stime:30", "flgs:12", "dir:8", "trans:4"],
        ["daddr:40", "dtos:2", "bytes:2"],
        ["suser", "duser", "dur"],
        ["suser:5", "duser:100", "dur"],
        ["dport", "daddr", "saddr", "sport"],
        ["sipid:3", "sttl:1", "load", "sload:20"],
    ],
)
def test_columns_are_cut_and_padded_as_by_ra(argus_sample: ArgusSample, words: list[str]) -> None:
    ours = Listing(columns(words), Style(port_names=False)).lines(argus_sample.frame).to_list()
    theirs = run_ra(argus_sample.path, "-n", "-L", "-1", "-s", *words).splitlines()
    same = [_close(mine, argus) for mine, argus in zip(ours, theirs, strict=True)]
    assert all(same)


def _close(ours: str, theirs: str) -> bool:
    """Equal, but for the last digits of what Argus computes in single precision."""
    if len(ours) != len(theirs):
        return False
    pairs = zip(ours.split(), theirs.split(), strict=True)
    return all(mine == argus or mine[:6] == argus[:6] for mine, argus in pairs)


@pytest.mark.parametrize("digits", [0, 1, 3, 6])
@pytest.mark.parametrize("epoch", [False, True])
def test_times_are_cut_to_the_precision_as_by_ra(argus_sample: ArgusSample, digits: int, *, epoch: bool) -> None:
    words = ["stime", "ltime", "dur", "pkts"]
    style = Style(precision=digits, epoch=epoch)
    ours = Listing(columns(words), style).lines(argus_sample.frame).to_list()
    options = ["-p", str(digits), *(["-u"] if epoch else [])]
    theirs = run_ra(argus_sample.path, *options, "-L", "-1", "-s", *words).splitlines()
    assert ours == theirs


@pytest.mark.parametrize(("option", "tcp_state"), [("-z", "letters"), ("-Zs", "source"), ("-Zb", "both")])
def test_states_of_tcp_are_spelled_as_by_ra(argus_sample: ArgusSample, option: str, tcp_state: str) -> None:
    ours = Listing(columns(["state:20", "pkts"]), Style(tcp_state=tcp_state)).lines(argus_sample.frame)
    theirs = run_ra(argus_sample.path, option, "-L", "-1", "-s", "state:20", "pkts").splitlines()
    assert ours.to_list() == theirs


def test_values_between_delimiters_are_those_of_ra(argus_sample: ArgusSample) -> None:
    words = ["stime", "flgs", "proto", "saddr", "sport", "dir", "daddr", "dport", "svid", "tcpopt", "state"]
    ours = Listing(columns(words), NUMBERS, ",").lines(argus_sample.frame).to_list()
    theirs = run_ra(argus_sample.path, "-nn", "-c", ",", "-L", "-1", "-s", *words).splitlines()
    assert ours == theirs


def test_what_is_always_blank_is_blank_in_ra(argus_sample: ArgusSample) -> None:
    names = [name for name, each in fields().items() if each.doc.endswith("always blank: Argus too")]
    assert {"jdelay", "ldelay", "bins", "srng", "lnet", "pddbytes"} <= set(names)
    printed = run_ra(argus_sample.path, "-L", "-1", "-s", *names, "spkts:8")
    assert all(line[:-9].isspace() for line in printed.splitlines())
