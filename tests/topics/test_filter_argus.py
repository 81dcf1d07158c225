"""What a filter selects, held against what ra selects of the same records."""

import polars as pl
import pytest

from tests.argus_records import run_ra
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
"""


@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_a_filter_selects_the_records_that_ra_selects(argus_sample: ArgusSample, expression: str) -> None:
    selected = run_ra(argus_sample.path, "-u", "-L", "-1", "-s", "stime", "-", *expression.split())
    condition = filters.compile(expression)
    frame = argus_sample.frame if condition is None else argus_sample.frame.filter(condition)
    starts = frame.select(pl.min_horizontal("src_first", "dst_first").dt.timestamp("us")).to_series()
    assert [int(line.replace(".", "")) for line in selected.split()] == starts.to_list()
