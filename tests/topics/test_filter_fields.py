"""What the filter language has beyond Argus's: fields, lists, patterns; and the words that Argus itself gets wrong."""

import os
import time
from pathlib import Path

import pytest

from tests.topics.test_filter import FLOWS, selected
from topics import filter as filters
from topics.errors import FilterError
from topics.expression.networks import NetworkSet, sixteen


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("spkts gte 1 and dpkts = 9", {"web"}),
        ("sbytes > 4999.5", {"web6"}),
        ("sttl = 64", {"dns"}),
        ("not sttl = 64", set(FLOWS) - {"dns"}),
        ("saddr = 10.0.0.2", {"ping", "arp"}),
        ("saddr != 10.0.0.0/8", {"web6", "stp"}),
        ("daddr = 10.0.0.53 or 10.1.0.9", {"dns", "ping"}),
        ("dport = 443 or 53", {"web6", "dns"}),
        ("dport >= 80 and sport > 40000", {"web6"}),
        ("dmac = 01:80:c2:00:00:00", {"stp"}),
        ("state = ACC", {"web"}),
        ("state ~ ^A", {"web"}),
        ('state !~ "ACC|CON"', {"ping", "arp", "stp", "esp"}),
        ("proto = esp or arp", {"esp", "arp"}),
        ("proto ~ c", {"web", "web6", "ping", "stp"}),
        ('saddr ~ "(?i)DB8"', {"web6"}),
        ("class a", set(FLOWS) - {"web6", "stp"}),
        ("dst class c", {"web", "esp"}),
        ("sid tap and srcid ~ eth", set(FLOWS)),
        ("tcp synack", {"web"}),
        ("udp synack", set()),
        ("esp", {"esp"}),
        ("anon", set(FLOWS)),
        ("len > 4000", {"web6"}),
        ("inode host 10.0.0.1 or gateway ::", {"ping"}),
        ("src co eq US", set()),
        ("nstroke gt 0 or intflow gt 0 or deldur gte 0", set()),
        ("isis hello or baseline or match or svc", set()),
        ("further or observation = further", set()),
        ("primary", set(FLOWS)),
        ("lcl host 10.0.0.1", set()),
        ("src remote", set(FLOWS)),
    ],
)
def test_what_is_selected(text: str, names: set[str]) -> None:
    assert selected(text) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dbyts gt 1", "unknown word 'dbyts' at column 1; did you mean 'dbytes'?"),
        ("saddr", "'saddr' at column 1 is a field, to be compared: saddr eq VALUE, saddr in FILE, ..."),
        ("spkts gt many", "'many' at column 10 is no number"),
        ("spkts ~ 1", "'1' at column 9: 'spkts' holds no text to search"),
        ("suser = GET", "'GET' at column 9: 'suser' is payload, which can be searched with ~ only"),
        ("state ~ (", "'(' at column 9 is no regular expression: missing ), unterminated subpattern"),
        ('state ~ "a(?=b)"', "'(?' in the pattern at column 9 is not understood everywhere"),
        ("host gt 10.0.0.1", "'10.0.0.1' at column 9 is an address, which can be equal or not, nothing else"),
        ("stime gt yesterday", "'yesterday' at column 10 is no time; write 1700000000 or 2026/03/10.09:00:00"),
        ("class z", "'z' at column 7 is no class of addresses; there are a, b, c, d and e"),
        ("host in nowhere.txt", "nowhere.txt: No such file or directory"),
        ("bytes in list.txt", "'list.txt' at column 10: 'bytes' takes no list; fields, hosts, nets and ports do"),
    ],
)
def test_what_cannot_be_understood(text: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        filters.compile(text)
    assert str(caught.value) == f"filter: {message}"


@pytest.mark.parametrize(
    ("condition", "entries", "names"),
    [
        ("host in {}", "10.0.0.53 # resolver\n\n# more\n192.0.2.0/29\n", {"web", "dns"}),
        ("src host in {}", "10.0.0.0/24", {"web", "dns", "ping", "arp", "esp"}),
        ("saddr in {}", "2001:db8::/33\n10.0.0.2-10.0.0.9", {"web6", "ping", "arp"}),
        ("src and dst net in {}", "10.0.0.0/8", {"dns", "ping", "arp"}),
        ("tcp dst port in {}", "http\n440-450", {"web", "web6"}),
        ("dport in {}", "53", {"dns"}),
        ("state in {}", "ACC\nREQ", {"web"}),
        ("sttl in {}", "64\n0x7f", {"dns"}),
        ("not host in {}", "", set(FLOWS)),
    ],
)
def test_lists_are_read_from_files(condition: str, entries: str, names: set[str], tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(entries)
    assert selected(condition.format(f'"{listed}"')) == names


def test_a_wrong_entry_of_a_list_is_named_with_its_line(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text("10.0.0.1\n10.0.0.256\n")
    with pytest.raises(FilterError, match=r"list: line 2: '10.0.0.256' is no address or network"):
        filters.compile(f"host in {listed}")


def test_a_set_of_networks_joins_what_overlaps() -> None:
    packed = [(bytes([10, 0, 0, 0]), bytes([10, 0, 0, 255])), (bytes([10, 0, 0, 9]), bytes([10, 0, 1, 4]))]
    assert NetworkSet(packed).ranges == [(sixteen(bytes([10, 0, 0, 0])), sixteen(bytes([10, 0, 1, 4])))]


def test_times_are_compared_as_local_dates_or_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(os.environ, "TZ", "UTC")
        time.tzset()
        assert filters.parse("stime gt 2023/11/14.22:13:20") == filters.parse("stime gt 1700000000")
    time.tzset()


def test_the_tree_is_shown_one_node_a_line() -> None:
    assert filters.shown("tcp and (src port 80 or not fin)").split("\n") == [
        "and",
        "  protocol word=tcp",
        "  or",
        "    ports direction=src ranges=((None, 80, 80),)",
        "    not",
        "      flag word=fin direction=either",
    ]
