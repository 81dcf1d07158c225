"""The words of the filter language, and what of a record each is about."""

from __future__ import annotations

from typing import NamedTuple

from topics.flags import Encapsulation, TcpFlags, TcpOptions, TcpState

COMPARISONS = {
    **dict.fromkeys(("eq", "equal", "=", "=="), "eq"),
    **dict.fromkeys(("neq", "notequal", "!=", "<>"), "neq"),
    **dict.fromkeys(("gt", "greater", ">"), "gt"),
    **dict.fromkeys(("gte", ">="), "gte"),
    **dict.fromkeys(("lt", "less", "<"), "lt"),
    **dict.fromkeys(("lte", "<="), "lte"),
}
ADDRESS_TYPES = {"host": "host", "addr": "host", "net": "net", "inode": "inode", "gateway": "inode"}
OBSERVED = ("srcid", "sid", "inf", "site", "node")
ADDRESS_CLASSES = {"a": "0.0.0.0/1", "b": "128.0.0.0/2", "c": "192.0.0.0/3", "d": "224.0.0.0/4", "e": "240.0.0.0/4"}

# Protocols by IP number; those below are known by what is under IP or beside it.
IP_PROTOCOLS = {
    "tcp": (6,),
    "udp": (17,),
    "icmp": (1,),
    "igmp": (2,),
    "gre": (47,),
    "esp": (50,),
    "ah": (51,),
    "icmpv6": (58,),
    "eigrp": (88,),
    "ospf": (89,),
    "pim": (103,),
    "vrrp": (112,),
    "sctp": (132,),
}
ETHERTYPES = {
    "arp": (0x0806,),
    "rarp": (0x8035,),
    "ipv4": (0x0800,),
    "ipv6": (0x86DD,),
    "ip": (0x0800, 0x86DD),
    "isis": (0xFEFE,),  # no ethertype: the LLC service access points
    "mopdl": (0x6001,),
    "moprc": (0x6002,),
    "decnet": (0x6003,),
}
IP_VERSIONS = ("ip", "ipv4", "ipv6")
ENCAPSULATED = {
    "vlan": Encapsulation.VLAN,
    "mpls": Encapsulation.MPLS,
    "vxlan": Encapsulation.VXLAN,
    "geneve": Encapsulation.GENEVE,
    "udt": Encapsulation.UDT,
}
LINK = ("ether", "link", "slip", "ppp", "fddi")
RECORDS = {"man": False, "mar": False, "event": False, "index": False, "far": True, "flow": True}
SEEN_IN_PAYLOAD = ("rtp", "rtcp")
BROADCAST, MULTICAST = "broadcast", "multicast"
# Which layers have to do with it: `ether multicast` is about MAC addresses, `ip multicast` about those of IP.
TO_MANY = {f"{layer} {word}".strip(): (layer, word) for word in (BROADCAST, MULTICAST) for layer in ("", "link", "ip")}
ANY = ("anon",)
PROTOCOLS = (*IP_PROTOCOLS, *ETHERTYPES, *ENCAPSULATED, *SEEN_IN_PAYLOAD, *LINK, *ANY)


class Measured(NamedTuple):
    """Fields (see topics/fields) that hold a measure: of the source, of the destination, of the whole record.

    Without a direction the whole counts where there is one, else either direction. `scale` are the field's units in
    one of the filter's.
    """

    sides: tuple[str, str] | None
    whole: str = ""
    scale: float = 1


SECOND = 1e9
MEASURES = {
    **dict.fromkeys(("pkts", "pkt"), Measured(("spkts", "dpkts"))),
    **dict.fromkeys(("bytes", "byte"), Measured(("sbytes", "dbytes"))),
    **dict.fromkeys(("appbytes", "appbyte", "data"), Measured(("sappbytes", "dappbytes"))),
    "ttl": Measured(("sttl", "dttl")),
    "tos": Measured(("stos", "dtos")),
    **dict.fromkeys(("dsb", "dsbyte"), Measured(("sdsb", "ddsb"))),
    "ipid": Measured(("sipid", "dipid")),
    "vid": Measured(("svid", "dvid")),
    "vpri": Measured(("svpri", "dvpri")),
    "mid": Measured(("smpls", "dmpls")),
    **dict.fromkeys(("tcpb", "base"), Measured(("stcpb", "dtcpb"))),
    **dict.fromkeys(("maxseg", "smss"), Measured(("smss", "dmss"))),
    "win": Measured(("swin", "dwin")),
    "hops": Measured(("shops", "dhops")),
    "loss": Measured(("sloss", "dloss")),
    "ploss": Measured(("sploss", "dploss")),
    "gap": Measured(("sgap", "dgap")),
    "rate": Measured(("srate", "drate")),
    "load": Measured(("sload", "dload")),
    **dict.fromkeys(("intpkt", "inter"), Measured(("sintpkt", "dintpkt"))),
    "intpktact": Measured(("sintpktact", "dintpktact")),
    "intpktidle": Measured(("sintpktidl", "dintpktidl")),
    **dict.fromkeys(("jit", "jitter"), Measured(("sjit", "djit"))),
    "jitact": Measured(("sjitact", "djitact")),
    "jitidle": Measured(("sjitidl", "djitidl")),
    "dur": Measured(("sdur", "ddur"), "dur", SECOND),
    **dict.fromkeys(("avgdur", "mean"), Measured(None, "mean", SECOND)),
    **dict.fromkeys(("trans", "count"), Measured(None, "trans")),
    "seq": Measured(None, "seq"),
    "tcprtt": Measured(None, "tcprtt", SECOND),
    "synack": Measured(None, "synack", SECOND),
    "ackdat": Measured(None, "ackdat", SECOND),
    **dict.fromkeys(("pcr", "pcratio", "abr", "abratio"), Measured(None, "pcr")),
    "spi": Measured(None, "spi"),
    "len": Measured(None, "bytes"),
    **dict.fromkeys(("masklen", "mlen"), Measured(("smask", "dmask"))),
    **dict.fromkeys(("as", "asn"), Measured(("sas", "das"))),
    "lat": Measured(("slat", "dlat")),
    "lon": Measured(("slon", "dlon")),
    "loc": Measured(("sloc", "dloc")),
    **dict.fromkeys(("nstroke", "nstrokes"), Measured(("snstroke", "dnstroke"))),
    "deldur": Measured(None, "dldur"),
    "delstime": Measured(None, "dlstime"),
    "delltime": Measured(None, "dlltime"),
    "intflow": Measured(None, "intflow"),
    "intflowsdev": Measured(None, "intflowsdev"),
}

STATES = (
    *("start", "init", "status", "stop", "shut", "error", "timeout"),
    *("est", "con", "avail", "synack", "finack", "normal", "wait", "reuse"),
    *("icmpmap", "echo", "redirect", "timexed", "unreach", "unr"),
    *("rtr", "mbr", "lvg", "cocode", "svc", "baseline", "match", "inbound", "outbound"),
    *("primary", "further"),
)
TCP_STATES = {
    "synack": TcpState.SYN_ACK,
    "finack": TcpState.FIN_ACK,
    "normal": TcpState.NORMAL_CLOSE,
    "wait": TcpState.CLOSE_WAIT,
    "reuse": TcpState.PORT_REUSE,
}
CAUSES = {"stop": ("close", "reuse"), "shut": ("shutdown",), "timeout": ("timeout",), "error": ()}
_UNREACHABLE_CODES = """
unrnet unrhost unrproto unrport unrfrag unrsrcfail unrnetunk unrhostunk unriso unrnetpro unrhostpro unrnettos unrhosttos
unrfilter unrhostpre unrnetpre
"""
UNREACHABLE = {word: code for code, word in enumerate(_UNREACHABLE_CODES.split())}

TCP_FLAGS = {
    "syn": TcpFlags.SYN,
    "fin": TcpFlags.FIN,
    "ack": TcpFlags.ACK,
    "push": TcpFlags.PSH,
    "urg": TcpFlags.URG,
    "ece": TcpFlags.ECE,
    "cwr": TcpFlags.CWR,
    "rst": TcpFlags.RST,
    "reset": TcpFlags.RST,
}
TROUBLE = {
    **dict.fromkeys(("retrans", "drop"), (TcpState.SRC_RETRANSMITTED, TcpState.DST_RETRANSMITTED)),
    **dict.fromkeys(("ooo", "outoforder"), (TcpState.SRC_OUT_OF_ORDER, TcpState.DST_OUT_OF_ORDER)),
    "winshut": (TcpState.SRC_WINDOW_SHUT, TcpState.DST_WINDOW_SHUT),
    "ecn": (TcpState.SRC_CONGESTED, TcpState.DST_CONGESTED),
    "dup": (TcpState.SRC_DUPLICATES, TcpState.DST_DUPLICATES),
}
LOCALITY = ("local", "remote")
NEAREST = {"lcl": "local", "rmt": "remote", "rem": "remote"}
PDUS = ("hello", "lsp", "csnp", "psnp")  # of IS-IS, which our records do not tell apart
FLAGS = (*TCP_FLAGS, *TROUBLE, "frag", "fragonly", "multipath", "mpath", *PDUS, *LOCALITY)

TCP_OPTIONS = {
    "tcpopt": sum(TcpOptions),
    "mss": TcpOptions.MSS,
    "wscale": TcpOptions.WINDOW_SCALE,
    "selackok": TcpOptions.SACK_PERMITTED,
    "selack": TcpOptions.SACK,
    "tcpecho": TcpOptions.ECHO,
    "tcpechoreply": TcpOptions.ECHO_REPLY,
    "tcptimestamp": TcpOptions.TIMESTAMP,
    "tcpcc": TcpOptions.CC,
    "tcpccnew": TcpOptions.CC_NEW,
    "tcpccecho": TcpOptions.CC_ECHO,
    "secn": TcpOptions.SRC_ECN,
    "decn": TcpOptions.DST_ECN,
}

ENCAPSULATIONS = {
    "mpls": Encapsulation.MPLS,
    **dict.fromkeys(("eth", "ether"), Encapsulation.ETHERNET),
    **dict.fromkeys(("802q", "vlan"), Encapsulation.VLAN),
    "llc": Encapsulation.LLC,
    "pppoe": Encapsulation.PPPOE,
    "isl": Encapsulation.ISL,
    "gre": Encapsulation.GRE,
    "ah": Encapsulation.AH,
    "ipnip": Encapsulation.IP_IN_IP,
    "ipnip6": Encapsulation.IPV6_IN_IP,
    "hdlc": Encapsulation.HDLC,
    "chdlc": Encapsulation.CISCO_HDLC,
    "atm": Encapsulation.ATM,
    "sll": Encapsulation.SLL,
    "fddi": Encapsulation.FDDI,
    "slip": Encapsulation.SLIP,
    "arc": Encapsulation.ARCNET,
    "wlan": Encapsulation.WLAN,
    "prism": Encapsulation.PRISM,
    "avs": Encapsulation.AVS,
    "teredo": Encapsulation.TEREDO,
    "udt": Encapsulation.UDT,
    "ipsec": Encapsulation.IPSEC,
    "juniper": Encapsulation.JUNIPER,
    "vxlan": Encapsulation.VXLAN,
    "l2tp": Encapsulation.L2TP,
    "geneve": Encapsulation.GENEVE,
}

DIRECTIONS = ("src", "dst", *NEAREST)
MATCHES = {"~": True, "=~": True, "!~": False}
CONNECTIVES = ("and", "or", "not")
VALUE_TYPES = ("port", "proto", "encaps", "class", "co", *ADDRESS_TYPES, *OBSERVED, *MEASURES)


def every_word() -> set[str]:
    """Return all words the language reserves."""
    singles = (*PROTOCOLS, *RECORDS, *STATES, *UNREACHABLE, *FLAGS, *TCP_OPTIONS, BROADCAST, MULTICAST)
    words = {*DIRECTIONS, *CONNECTIVES, *VALUE_TYPES, *singles, *COMPARISONS, "mask", "in"}
    return {word for word in words if word.isalnum()}
