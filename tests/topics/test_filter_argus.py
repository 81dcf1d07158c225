"""What a filter selects, held against what ra selects of the same records."""

import polars as pl
import pytest

from tests.topics.conftest import ArgusSample
from topics import filter as filters

# Where ra looks at IPv4 only (ttl, est, echo) and we do not, the expression says so.
EXPRESSIONS = """
tcp
udp
icmp
ip
ipv4
ipv6
arp
vlan
mpls
man
not man
far
port 80
port 443
tcp port 443
udp port 53
src port 53
dst port 53
port domain
tcp dst port https
port 53 or 443
port 53 or port 443
port (53 or 443) and dst pkts gt 0
not port 53
not (port 53 or port 443)
host 10.20.1.21
src host 10.20.1.21
dst host 10.20.5.30
host 10.20.1.21 or 10.20.1.32
net 10.20.0.0/16
src net 10.20.1.0/24
dst net 10.20.5.0/24
src and dst net 10.20.0.0/16
src or dst net 203.0.113.0/24
net 203.0.113.0 mask 255.255.255.0
net 2001:db8::/32
dst net 2001:db8:82::/48
src host 10.20.1.32 and dst port 443
src host 10.20.1.32 and tcp or udp
udp or tcp and port 443
tcp and port 443 or udp and port 53
tcp and (port 443 or udp)
not tcp and not udp
tcp and not port 443 and not 53
pkts gt 10
src pkts gt 10
dst pkts eq 0
src and dst pkts gt 5
src or dst pkts gt 5
pkts eq 1
bytes gt 1000
src bytes lt 100
bytes lte 60
appbytes gt 0
dst appbytes gt 500
dur gt 1
dur gt 0.5
dur lt 0.001
dur eq 0
src tos gt 0
dsb ef
rate gt 100
src rate gt 10
load gt 1000
src load gt 100
dst load gt 1000.5
src port gt 1024
dst port lt 1024
port gte 49152
port lte 25
src port gte 1024 and lte 50000
trans gt 1
trans eq 1
syn
src syn
dst syn
src and dst syn
synack
fin
src fin
finack
normal
reset
src reset
dst reset
rst
retrans
src retrans
dst retrans
ack
dst ack
push
urg
winshut
ooo
icmp and echo
start
status
proto 6
proto 17 or 1
vid 5
vid 10
src vid 30
ether host 02:20:00:00:00:fe
ether src 02:20:00:00:00:fe
arp and host 10.20.1.1
tcp && port 443
tcp || udp
! tcp
udp and dst host 255.255.255.255
ip and pkts gt 5 and bytes lt 10000
tcp and src pkts gt 3 and dst pkts gt 3 and dur lt 2
tcpb gt 3000000000
src base gt 3000000000
encaps eth
encaps 802q
frag
multipath
rtp
ipv4 and src ttl 64
ipv4 and ttl 128
ipv4 and src ttl gt 100
ipv4 and est
ipv4 and con
ipv4 and echo
ipv4 and unreach
icmp or arp
tcp or udp or icmp
not arp
not ip
not (tcp or udp)
not not tcp
((tcp) and (port 443))
tcp and (port 443 or 25 or 22)
udp and not port 53
udp and not (port 53 or 123)
src port 53 or dst port 123
src port 443 or 53
dst port (443 or 80 or 22)
dst port 22-25
port 1-1023
tcp port 20-25
udp dst port 50-60
port ssh
port smtp or ntp
tcp dst port smtp
dst port eq 443
dst port gte 443 and lte 500
src port gt 1024 and dst port lt 1024
pkts >= 2 and <= 4
pkts lt 3 or gt 20
src pkts eq 1 and dst pkts eq 1
src pkts gte 2
dst pkts lt 2
bytes gte 60 and lte 100
src bytes gt 500 and dst bytes gt 500
dst bytes eq 0
bytes gt 0x100
appbytes eq 0
src appbytes gt 100
data gt 1000
dur gte 4.5
dur lte 0.01
dur gt 0 and lt 0.1
rate lt 1
dst rate gt 100
rate gt 1000
load gt 1000000
src load lt 1000
host 10.20.5.20
host 10.20.1.21 and host 203.0.113.90
src host 10.20.1.26 or dst host 10.20.1.27
dst host 10.20.5.53 and udp
not host 10.20.5.53
net 10.20.5.0/24 or 203.0.113.0/24
src net 10.20.1.0/25
src net 10.20.1.16/28 and tcp
dst net 224.0.0.0/4
net 10.20.1.20/30
dst net 10.20.5.0 mask 255.255.255.240
host 2001:db8:20:1::22
src net 2001:db8:20:1::/64
net fe80::/10
ipv6 and udp
ipv6 and tcp
ipv4 and icmp
ip and not tcp and not udp
ether dst 01:80:c2:00:00:00
ether host 01:80:c2:00:00:0e
ether src 02:20:00:00:00:01
vid 30
dst vid 30
src tos 184
tos 184
dsb eq 46
src dsb ef
tcp and syn and not synack
tcp and fin
tcp and src fin and dst fin
tcp and reset
dst reset
src push
dst push
src and dst push
src ack
src or dst syn
not syn
tcp and not fin
src ooo
dst ooo
dst winshut
proto 58
dst base gt 3000000000
"""


@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_a_filter_selects_the_records_that_ra_selects(argus_sample: ArgusSample, expression: str) -> None:
    condition = filters.compile(expression)
    frame = argus_sample.frame if condition is None else argus_sample.frame.filter(condition)
    assert argus_sample.starts(frame) == argus_sample.selected("filters", expression, "-", *expression.split())


# What ra gets wrong: it looks at the same bytes of records of other protocols, or does not know the words.
BETTER = {
    "icmpmap": "icmp_error",
    "tcpb lt 1000000000": "tcp",
    "mss": "tcp",
    "proto tcp": "tcp",
    "loss gt 0": "lost",
    "unrport": "unreachable",
}


@pytest.mark.parametrize("expression", BETTER)
def test_words_that_ra_gets_wrong_select_what_they_say(argus_sample: ArgusSample, expression: str) -> None:
    meant = {
        "icmp_error": pl.col("icmp_error") > 0,
        "tcp": pl.col("protocol") == 6,
        "lost": (pl.col("src_lost_packets") > 0) | (pl.col("dst_lost_packets") > 0),
        "unreachable": (pl.col("icmp_error") > 0) | (pl.col("protocol") == 1),
    }[BETTER[expression]]
    condition = filters.compile(expression)
    assert condition is not None
    chosen = argus_sample.frame.filter(condition)
    assert 0 < chosen.height < argus_sample.frame.height
    assert chosen.filter(meant).height == chosen.height


def test_there_are_enough_of_them() -> None:
    assert len(set(EXPRESSIONS.strip().splitlines())) >= 150
