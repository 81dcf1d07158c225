"""Random filters, and records of the kinds that they are about."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from topics.batch import FlowBatch, Observer, records_like
from topics.flags import Encapsulation, TcpOptions, TcpState

HOSTS = ("10.0.0.1", "10.0.0.2", "10.1.7.9", "192.0.2.1", "192.0.2.130", "224.0.0.251", "255.255.255.255")
HOSTS6 = ("2001:db8::1", "2001:db8:1::2", "fe80::9", "ff02::fb", "2001:db8:0:1:2:3:4:5")
NETWORKS = ("10.0.0.0/8", "10.1/16", "192.0.2.128/25", "2001:db8::/32", "2001:db8:1::/48", "fe80::/10", "0.0.0.0/0")
MACS = ("02:00:00:00:00:01", "33:33:00:00:00:fb", "ff:ff:ff:ff:ff:ff")
PORTS = (0, 22, 53, 80, 443, 49152, 65535)
LABELS = (
    "",
    "sco=US:dco=DE",
    "sas=3320:score=7",
    "sloc=5:dloc=1",
    "sloc=0:dloc=9:note=a b",
    "sname=a\\061b\\058\\044c.example",
)
OBSERVERS = [Observer("lab", "tap", "eth0"), Observer("lab", "tap", ""), Observer("branch", "Edge", "eth1")]

WORDS = """
tcp udp icmp ip ipv4 ipv6 arp esp vlan mpls anon man far synack finack normal wait est con start status stop timeout
icmpmap echo redirect timexed unreach unrport unrnet mss wscale tcpopt secn cocode inbound outbound multicast broadcast
"""
SIDED = "syn fin ack push rst retrans ooo winshut ecn frag multipath local remote multicast broadcast"
MEASURES = """
pkts bytes appbytes ttl tos dsb ipid vid loss gap rate load intpkt jit dur trans tcprtt pcr win hops maxseg ploss len
masklen as intflow
"""
FIELDS = "spkts dbytes sload srate pkts rate dur sttl svid sintpkt djit mean stddev smeansz tcprtt sas score dhops stf"
TEXT_FIELDS = {"state": ("CON", "REQ", "FIN", "URP"), "proto": ("tcp", "arp"), "site": ("lab",), "cause": ("Close",)}
PATTERNS = ("^C", "T$", "[RF]", "O.", "x", "(?i)con", "US|DE")
PATTERN_FIELDS = ("state", "label", "sco", "saddr", "dmac", "flgs", "srcid", "dir", "senc")
COMPARISONS = ("eq", "neq", "gt", "gte", "lt", "lte", "=", "!=", ">", "<=")
DIRECTIONS = ("", "src ", "dst ", "src or dst ", "src and dst ", "lcl ", "rmt ")
NUMBERS = ("0", "1", "5", "0x40", "1000", "0.001", "2.5", "-1", "1e6")


def _pick(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


def _conditions() -> st.SearchStrategy[str]:
    direction, comparison = st.sampled_from(DIRECTIONS), st.sampled_from(COMPARISONS)
    number, host = st.sampled_from(NUMBERS), st.sampled_from((*HOSTS, *HOSTS6))
    texts = st.sampled_from(
        [f"{name} {sign} {word}" for name, known in TEXT_FIELDS.items() for word in known for sign in ("=", "!=")]
    )
    return st.one_of(
        _pick(WORDS),
        st.builds("{}{}".format, direction, _pick(SIDED)),
        st.builds("{}{} {} {}".format, direction, _pick(MEASURES), comparison, number),
        st.builds("{} {} {}".format, _pick(FIELDS), comparison, number),
        st.builds("{}host {}".format, direction, host),
        st.builds("{}net {}".format, direction, st.sampled_from(NETWORKS)),
        st.builds("{}port {} {}".format, direction, comparison, st.sampled_from(PORTS)),
        st.builds("tcp {}port {}".format, direction, st.sampled_from(PORTS)),
        st.builds("ether {}{}".format, st.sampled_from(("src ", "dst ", "host ")), st.sampled_from(MACS)),
        st.builds("proto {} {}".format, comparison, st.sampled_from((0, 1, 6, 17, 50))),
        st.builds("encaps {}".format, st.sampled_from(("vlan", "mpls", "gre"))),
        st.builds(
            '{} {} "{}"'.format,
            st.sampled_from(PATTERN_FIELDS),
            st.sampled_from(("~", "!~")),
            st.sampled_from(PATTERNS),
        ),
        st.builds("inode {}".format, host),
        st.builds("srcid {}".format, st.sampled_from(("tap", "tap/eth0", "Edge/eth1", "edge"))),
        st.builds("stime {} {}".format, comparison, st.sampled_from(("1700000000", "1700000002.5"))),
        texts,
    )


def filters() -> st.SearchStrategy[str]:
    """Any filter: conditions, joined and nested."""
    return st.recursive(
        _conditions(),
        lambda inner: st.one_of(
            st.builds("{} and {}".format, inner, inner),
            st.builds("{} or {}".format, inner, inner),
            st.builds("not ({})".format, inner),
            st.builds("({})".format, inner),
        ),
        max_leaves=5,
    )


def flows(count: int, seed: int) -> FlowBatch:
    """Records of all kinds, with values from small sets, so that filters meet some of them."""
    random = np.random.default_rng(seed)
    records = records_like(count)
    heap = bytearray()
    for row in range(count):
        for name, value in _record(random).items():
            records[name][row] = value
        label = LABELS[random.integers(len(LABELS))].encode()
        records["labels_offset"][row], records["labels_length"][row] = len(heap), len(label)
        heap += label
        records["flow_id"][row] = list(row.to_bytes(16, "big"))
    observers = {observer.id: observer for observer in OBSERVERS}
    return FlowBatch(records=records, heap=np.frombuffer(bytes(heap), np.uint8), observers=observers)


def _record(random: np.random.Generator) -> dict[str, Any]:
    def one(*choices: Any) -> Any:
        return choices[random.integers(len(choices))]

    kind = one("ipv4", "ipv4", "ipv4", "ipv6", "arp", "lldp")
    protocol = one(1, 6, 6, 6, 17, 50) if kind == "ipv4" else one(6, 17, 58) if kind == "ipv6" else 0
    first, length = 1_700_000_000_000_000_000 + int(random.integers(5)) * 1_000_000_000, int(one(0, 1000, 10**9))
    values: dict[str, Any] = {
        "ethertype": {"ipv4": 0x0800, "ipv6": 0x86DD, "arp": 0x0806, "lldp": 0x88CC}[kind],
        "protocol": protocol,
        "observer": one(*OBSERVERS).id,
        "cause": random.integers(7),
        "status_sequence": one(0, 1),
        "flow_start": first,
        "records": one(0, 1, 3),
        "tcp_state": one(0, *TcpState, TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED) if protocol == 6 else 0,
        "tcp_options": one(0, *TcpOptions),
        "syn_ack_time": one(0, 1_000_000),
        "icmp_error": one(0, 0, 1, 4),
        "icmp_error_type": one(3, 11),
        "icmp_error_code": one(0, 3),
        "icmp_error_router": address(one(*HOSTS)),
        "duration_sum": one(0, 10**9),
        "duration_square_sum": one(0.0, 1e12),
    }
    for side in ("src", "dst"):
        packets = int(one(0, 1, 5, 20)) if side == "dst" else int(one(1, 5, 20))
        values |= {
            f"{side}_address": bytes(10) + mac(one(*MACS))
            if kind == "lldp"
            else address(one(*(HOSTS6 if kind == "ipv6" else HOSTS))),
            f"{side}_mac": mac(one(*MACS, "00:00:00:00:00:00")),
            f"{side}_port": one(*PORTS) if protocol != 1 else one(0x0303, 0x0800, 0x0500, 0x0B00),
            f"{side}_packets": packets,
            f"{side}_bytes": packets * 100,
            f"{side}_app_bytes": packets * int(one(0, 46)),
            f"{side}_first": first if packets else 0,
            f"{side}_last": first + length if packets else 0,
            f"{side}_lost_packets": one(0, 1),
            f"{side}_ttl": one(0, 5, 64, 255),
            f"{side}_tos": one(0, 4, 184),
            f"{side}_ip_id": one(0, 64),
            f"{side}_vlan": one(0, 5, 0x6005),
            f"{side}_window": one(0, 1000),
            f"{side}_mss": one(0, 1460),
            f"{side}_gap_bytes": one(0, 5),
            f"{side}_fragments": one(0, 1),
            f"{side}_tcp_flags": random.integers(256),
            f"{side}_encapsulations": one(0, 0, Encapsulation.VLAN, Encapsulation.MPLS | Encapsulation.GRE),
            f"{side}_interval_count": one(0, 2),
            f"{side}_interval_sum": 3_000_000,
            f"{side}_interval_square_sum": 5e6,
            f"{side}_ip_options": one(0, 4),
        }
    return {name: list(value) if isinstance(value, bytes) else value for name, value in values.items()}


def address(text: str) -> bytes:
    """16 bytes of an IP address."""
    from ipaddress import ip_address

    packed = ip_address(text).packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def mac(text: str) -> bytes:
    """6 bytes of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))
