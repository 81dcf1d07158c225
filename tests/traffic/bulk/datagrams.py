"""Everything that is no TCP session: lookups, pings, QUIC-like streams, address resolution, scans."""

import numpy as np

from tests.traffic.bulk.dns_forms import (
    FOUR_IPV4,
    KINDS,
    LABELS,
    NO_SUCH_NAME,
    ONE_IPV4,
    ONE_IPV6,
    QUERIES,
    form_lengths,
)
from tests.traffic.bulk.table import (
    ACK,
    ARP,
    CLIENTS,
    FIRST_RESOLVER,
    ICMP,
    ICMPV6,
    RESET,
    RESOLVERS,
    SYN,
    TCP,
    UDP,
    Integers,
    Mask,
    Rows,
    directed,
    numbered,
    packets,
    ports,
)
from tests.traffic.bulk.tcp_sessions import Starts

SCANNED_PORTS = 20
PING_PAYLOAD = 56


def pairs(starts: Starts, answered: Mask, wait: Integers) -> tuple[Integers, Mask, Integers]:
    """Questions and answers: the index into `starts` of each packet, whether it is the answer, its time."""
    index, place = numbered(1 + answered)
    is_answer = place == 1
    return index, is_answer, starts.time[index] + is_answer * wait[index]


def lookups(random: np.random.Generator, starts: Starts) -> Rows:
    """DNS: A or AAAA of many names; 2 % are never answered, 8 % name nothing."""
    count = len(starts)
    wait = np.clip(random.lognormal(np.log(4_000), 1.5, count), 150, 2_000_000).astype(np.int64)
    index, is_answer, time = pairs(starts, random.random(count) > 0.02, wait)
    asks_ipv6 = random.random(count) < 0.3
    answer = np.where(asks_ipv6, ONE_IPV6, np.where(random.random(count) < 0.25, FOUR_IPV4, ONE_IPV4))
    answer = np.where(random.random(count) < 0.08, NO_SUCH_NAME[asks_ipv6.astype(int)], answer)
    kind = np.where(is_answer, answer[index], QUERIES[asks_ipv6.astype(int)][index])
    form = 1 + random.integers(0, len(LABELS), count)[index] * KINDS + kind
    resolver = FIRST_RESOLVER + random.integers(0, RESOLVERS, count)
    return packets(
        len(time),
        time=time,
        **directed(starts.client[index], resolver[index], is_answer),
        **ports(random.integers(32768, 61000, count)[index], np.full(len(index), 53), is_answer),
        sequence=random.integers(0, 100_000, count)[index],
        payload=form_lengths()[form],
        identification=random.integers(0, 2**16, len(time)),
        number=random.integers(0, 2**16, count)[index],
        version=starts.version[index],
        protocol=UDP,
        form=form,
    )


def pings(random: np.random.Generator, starts: Starts) -> Rows:
    """One echo request and, but for 3 %, its reply."""
    count = len(starts)
    wait = np.clip(random.lognormal(np.log(18_000), 1.0, count), 100, 900_000).astype(np.int64)
    index, is_answer, time = pairs(starts, random.random(count) > 0.03, wait)
    over_ipv6 = starts.version[index] == 6
    return packets(
        len(time),
        time=time,
        **directed(starts.client[index], starts.server[index], is_answer),
        source_port=random.integers(0, 2**16, count)[index],
        payload=PING_PAYLOAD,
        identification=random.integers(0, 2**16, len(time)),
        number=random.integers(1, 100, count)[index],
        version=starts.version[index],
        protocol=np.where(over_ipv6, ICMPV6, ICMP),
        flags=np.where(over_ipv6, 128 + is_answer, 8 - 8 * is_answer),
    )


def streams(random: np.random.Generator, starts: Starts) -> Rows:
    """UDP to port 443, two packets of 1,200 bytes first, then mostly large ones from the server."""
    count = len(starts)
    index, place = numbered(np.clip(random.lognormal(2.7, 0.9, count), 4, 600).astype(np.int64))
    from_server = np.where(place < 2, place == 1, random.random(len(place)) < 0.7)
    size = np.where(from_server, random.integers(700, 1350, len(place)), random.integers(30, 120, len(place)))
    gap = np.where(place == 0, 0, random.exponential(9_000, len(place)).astype(np.int64) + 20)
    elapsed = np.cumsum(gap) - np.cumsum(gap)[np.flatnonzero(place == 0)][index]
    return packets(
        len(place),
        time=starts.time[index] + elapsed,
        **directed(starts.client[index], starts.server[index], from_server),
        **ports(random.integers(32768, 61000, count)[index], np.full(len(index), 443), from_server),
        payload=np.where(place < 2, 1200, size),
        identification=random.integers(0, 2**16, len(place)),
        version=starts.version[index],
        protocol=UDP,
    )


def resolutions(random: np.random.Generator, starts: Starts) -> Rows:
    """ARP among the clients: who has, and in most cases the answer."""
    count = len(starts)
    asked = (starts.client + random.integers(1, CLIENTS, count)) % CLIENTS
    index, is_answer, time = pairs(starts, random.random(count) > 0.1, random.integers(60, 900, count))
    return packets(
        len(time),
        time=time,
        **directed(starts.client[index], asked[index], is_answer),
        protocol=ARP,
        flags=1 + is_answer,
    )


def scans(random: np.random.Generator, starts: Starts) -> Rows:
    """SYNs to 20 ports of one server: 7 of 10 refused, 2 unanswered, 1 open and reset by the client."""
    scan = np.repeat(np.arange(len(starts)), SCANNED_PORTS)
    outcome = random.choice(3, len(scan), p=(0.7, 0.2, 0.1))
    probe, place = numbered(np.array([2, 1, 3])[outcome])
    began = starts.time[scan] + np.tile(np.arange(SCANNED_PORTS), len(starts)) * 12_000
    wait = random.integers(500, 60_000, len(scan))
    initial = random.integers(0, 2**32, (2, len(scan)))
    opened, from_server = outcome[probe] == 2, place == 1
    client, server = starts.client[scan][probe], starts.server[scan][probe]
    answer = np.where(opened, SYN | ACK, RESET | ACK)
    scanned = random.integers(1, 10_000, len(starts))[scan] + np.tile(np.arange(SCANNED_PORTS), len(starts)) * 7
    return packets(
        len(probe),
        time=began[probe] + (place > 0) * wait[probe] + (place == 2) * 100,
        **directed(client, server, from_server),
        **ports(random.integers(32768, 61000, len(scan))[probe], scanned[probe], from_server),
        sequence=np.where(from_server, opened * initial[1][probe], initial[0][probe] + (place == 2)),
        acknowledgement=np.where(from_server, initial[0][probe] + 1, (place == 2) * (initial[1][probe] + 1)),
        window=np.where(place == 0, 1024, 0),
        identification=random.integers(0, 2**16, len(probe)),
        version=starts.version[scan][probe],
        protocol=TCP,
        flags=np.where(place == 0, SYN, np.where(from_server, answer, RESET | ACK)),
    )
