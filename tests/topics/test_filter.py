import contextlib
from ipaddress import ip_address

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics import filter as filters
from topics.batch import FlowBatch, Observer, records_like
from topics.errors import FilterError
from topics.filter import tree
from topics.flags import Encapsulation, IcmpError, TcpState
from topics.frame import to_arrow

LAB = Observer("lab", "tap", "eth0")


def address(text: str) -> list[int]:
    packed = ip_address(text).packed
    return list(packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed)


def flow(source: str, target: str, protocol: int, ports: tuple[int, int] = (0, 0), **values: int) -> dict[str, object]:
    return {
        "src_address": address(source),
        "dst_address": address(target),
        "ethertype": 0x86DD if ":" in source else 0x0800,
        "protocol": protocol,
        "src_port": ports[0],
        "dst_port": ports[1],
        "src_packets": 1,
        "observer": LAB.id,
        **values,
    }


FLOWS = {
    "web": flow("10.0.0.1", "192.0.2.1", 6, (40000, 80), tcp_state=TcpState.SYN | TcpState.SYN_ACK, dst_packets=9),
    "dns": flow("10.0.0.1", "10.0.0.53", 17, (5000, 53), dst_packets=1, src_ttl=64),
    "web6": flow("2001:db8::1", "2001:db8:1::2", 6, (40001, 443), src_bytes=5000, tcp_state=TcpState.SRC_RETRANSMITTED),
    "ping": flow("10.0.0.2", "10.1.0.9", 1, (8 << 8, 7), icmp_error=IcmpError.UNREACHABLE, icmp_error_type=3),
    "arp": flow("10.0.0.2", "10.0.0.1", 0, ethertype=0x0806),
    "stp": flow("::200:0:42", "::180:c200:0", 0, ethertype=0x4242, src_encapsulations=Encapsulation.LLC),
    "esp": flow("10.0.0.1", "192.0.2.9", 50, discriminator=0xABCD),
}


def frame(flows: dict[str, dict[str, object]] = FLOWS) -> pl.DataFrame:
    records = records_like(len(flows))
    for row, values in enumerate(flows.values()):
        for name, value in values.items():
            records[name][row] = value
    batch = FlowBatch(records=records, site=LAB.site, probe=LAB.probe, observers={LAB.id: LAB})
    converted = pl.from_arrow(to_arrow(batch))
    assert isinstance(converted, pl.DataFrame)
    return converted.with_columns(name=pl.Series(list(flows)))


def selected(text: str, flows: dict[str, dict[str, object]] = FLOWS) -> set[str]:
    condition = filters.compile(text)
    everything = frame(flows)
    return set((everything if condition is None else everything.filter(condition))["name"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set(FLOWS)),
        ("tcp", {"web", "web6"}),
        ("tcp or udp and dst pkts gt 5", {"web"}),  # from left to right, as in Argus
        ("tcp or (udp and dst pkts gt 5)", {"web", "web6"}),
        ("not tcp", set(FLOWS) - {"web", "web6"}),
        ("man", set()),
        ("not man", set(FLOWS)),
        ("port 80 or 443", {"web", "web6"}),
        ("port (80 or 53) and not udp", {"web"}),
        ("port http", {"web"}),
        ("udp port 53", {"dns"}),
        ("tcp port 53", set()),
        ("port 50-100", {"web", "dns"}),
        ("dst port lt 100", {"web", "dns"}),
        ("port neq 53", {"web", "web6"} | set(FLOWS) - {"dns"}),
        ("host 10.0.0.1", {"web", "dns", "arp", "esp"}),
        ("src host 10.0.0.1 or 10.0.0.2", {"web", "dns", "esp", "ping", "arp"}),
        ("10.0.0.53", {"dns"}),
        ("src 10.0.0.2", {"ping", "arp"}),
        ("net 10.1/16", {"ping"}),
        ("net 10.1", {"ping"}),
        ("net 192.0.2.0 mask 255.255.255.0", {"web", "esp"}),
        ("src and dst net 10.0.0.0/8", {"dns", "ping", "arp"}),
        ("net 2001:db8::/32", {"web6"}),
        ("host 2001:db8:1::2", {"web6"}),
        ("net ::/0", {"web6"}),
        ("ip", set(FLOWS) - {"arp", "stp"}),
        ("ipv6", {"web6"}),
        ("proto esp", {"esp"}),
        ("proto gt 17", {"esp"}),
        ("ether proto arp", {"arp"}),
        ("ether dst 01:80:c2:00:00:00", {"stp"}),
        ("ether multicast", {"stp"}),
        ("spi 0xabcd", {"esp"}),
        ("unreach", {"ping"}),
        ("unrnet", {"ping"}),
        ("icmpmap", {"ping"}),
        ("echo", {"ping"}),
        ("synack", {"web"}),
        ("src retrans", {"web6"}),
        ("dst retrans", set()),
        ("src ttl 64", {"dns"}),
        ("not src ttl 64", set(FLOWS) - {"dns"}),
        ("dst pkts gte 9 or eq 1", {"web", "dns"}),
        ("bytes gt 0x1000", {"web6"}),
        ("encaps llc", {"stp"}),
        ("srcid tap", set(FLOWS)),
        ("srcid tap/eth0 and inf eth0 and site lab", set(FLOWS)),
        ("srcid other", set()),
        ("start", set(FLOWS)),
        ("status", set()),
    ],
)
def test_what_is_selected(text: str, names: set[str]) -> None:
    assert selected(text) == names


SECOND = 1_000_000_000
TIMED = {
    "one": flow("10.0.0.1", "10.0.0.2", 6, src_first=SECOND, src_last=2 * SECOND),
    "two": flow("10.0.0.1", "10.0.0.2", 6, src_first=SECOND, src_last=3 * SECOND),
    "moved": flow("10.0.0.1", "10.0.0.2", 1, (5 << 8, 0), src_first=SECOND, src_last=SECOND),
    "told": flow("10.0.0.1", "10.0.0.2", 17, src_first=SECOND, src_last=SECOND, icmp_error=IcmpError.REDIRECT),
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("dur gte 1", {"one", "two"}),  # for ra 3.0.8.2 this is gt, and lt is lte
        ("dur gt 1", {"two"}),
        ("dur lt 2", {"one", "moved", "told"}),
        ("dur lte 2", set(TIMED)),
        ("jit lt 0", set()),  # nothing was measured, which is not 0
        ("jit gte 0", set()),
        ("dst ttl lt 300", set()),  # nor has a direction without packets any
        ("redirect", {"moved", "told"}),
    ],
)
def test_what_ra_selects_otherwise(text: str, names: set[str]) -> None:
    assert selected(text, TIMED) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tcpp", "unknown word 'tcpp' at column 1; did you mean 'tcp'?"),
        ("tcp adn udp", "unknown word 'adn' at column 5; did you mean 'and'?"),
        ("tcp udp", "'udp' at column 5 is not expected here, 'and' or 'or' is missing before it"),
        ("tcp and", "ends at column 8 where a condition is expected"),
        ("port", "ends at column 5 where a value for 'port' is expected"),
        ("port and tcp", "'and' at column 6 stands where a value for 'port' is expected"),
        ("(tcp", "ends at column 5 where the ')' for '(' at column 1 is expected"),
        ("tcp)", "')' at column 4 is not expected here, 'and' or 'or' is missing before it"),
        ("port 65536", "'65536' at column 6 is no port, which goes from 0 to 65535"),
        ("port htpps", "unknown service 'htpps' at column 6; did you mean 'https'?"),
        ("udp port http", "'http' at column 10 is no service of that protocol"),
        ("host example.com", "'example.com' at column 6 is no IP address, and names are not looked up"),
        ("host 1.2.3.400", "'1.2.3.400' at column 6 is no IP address"),
        ("80", "the number '80' at column 1 needs to be told what of: port, pkts, ttl, ..."),
        ("pkts gt many", "'many' at column 9 is no number"),
        ("proto tpc", "unknown protocol 'tpc' at column 7; did you mean 'tcp'?"),
        ("encaps vlam", "unknown encapsulation 'vlam' at column 8; did you mean 'vlan'?"),
        ("ether host 1:2", "'1:2' at column 12 is no MAC address"),
        ("ether", "'ether' at column 1 needs an address or 'proto' after it"),
        ("dsb eff", "unknown code point 'eff' at column 5; did you mean 'ef'?"),
        ('srcid "lab', "'\"' at column 7 has no meaning here"),
        ("port 09", "'09' at column 6 is no octal number, which a leading 0 makes of it"),
        ("(" * 65 + "tcp" + ")" * 65, "'(' at column 65 is nested deeper than 64 levels"),
        ("not " * 65 + "tcp", "'not' at column 257 is nested deeper than 64 levels"),
        ("tcp" + " and udp or arp" * 65, "'and' at column 965: and, or take turns more than 128 times"),
        ("x" * 65_537, "65537 characters are more than the 65536 that one may have"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_column(text: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        filters.compile(text)
    assert str(caught.value) == f"filter: {message}"
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("tcp && port 80 || ! udp", "tcp and port 80 or not udp"),
        ("TCP And Port 80", "tcp and port 80"),
        ("pkts > 5 and bytes <= 0x10 and dur != 1.5", "pkts gt 5 and bytes lte 16 and dur neq 1.5"),
        ("port 020", "port 16"),
        ("src or dst port 80", "port 80"),
        ("((tcp))", "tcp"),
        ("dst or src host 10.0.0.1", "host 10.0.0.1"),
    ],
)
def test_other_spellings_mean_the_same(text: str, same: str) -> None:
    assert filters.parse(text) == filters.parse(same)


def test_a_reserved_word_may_be_a_name_when_quoted() -> None:
    assert filters.parse('srcid "tcp"') == filters.parse("srcid \\tcp") == tree.Observed("srcid", "tcp")


def test_names_keep_their_case_and_words_do_not_mind_it() -> None:
    assert filters.parse("SRCID Lab-7") == tree.Observed("srcid", "Lab-7")
    assert selected("NET 2001:DB8::/32 AND Port HTTPS") == {"web6"}


def test_a_long_list_of_hosts_is_one_level_deep() -> None:
    listed = " or ".join(f"host 172.16.{high}.{low}" for high in range(4) for low in range(250))
    assert selected(listed) == set()
    assert selected(f"{listed} or 10.0.0.53") == {"dns"}


WORDS = """
tcp udp port 80 or and not ( ) gt src dst host 10.0.0.1 10.0.0.0/8 ::1 - / \\ " mask net proto ether ttl 1e9 0x pkts
< -1 encaps srcid \x00 é 99999999999999999999
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=10).map(" ".join) | st.text(max_size=20))
def test_no_text_does_worse_than_a_filter_error(text: str) -> None:
    with contextlib.suppress(FilterError):
        condition = filters.compile(text)
        assert condition is None or frame().filter(condition).height <= len(FLOWS)
