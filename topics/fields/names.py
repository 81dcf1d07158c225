"""Names of protocols, code points and message types, as Argus prints them."""

from __future__ import annotations

import functools

# By number, from 0. Those that Argus spells its own way are spelled so here: its users filter by these names.
_IP_PROTOCOLS = """
ip icmp igmp ggp ipnip st2 tcp cbt egp igp bbn-rcc nvp pup argus emcon xnet chaos udp mux dcn hmp prm xns-idp trunk-1
trunk-2 leaf-1 leaf-2 rdp irtp iso-tp4 netblt mfe-nsp merit-inp sep 3pc idpr xtp ddp idpr-cmtp tp++ il ipv6 sdrp
ipv6-route ipv6-frag idrp rsvp gre mhrp bna esp ah i-nlsp swipe narp mobile tlsp skip ipv6-icmp ipv6-no ipv6-opts any
cftp any sat-expak kryptolan rvd ippc any sat-mon visa ipcv cpnx cphb wsn pvp br-sat-mon sun-nd wb-mon wb-expak iso-ip
vmtp secure-vmtp vines ttp nsfnet-igp dgp tcf eigrp ospf sprite-rpc larp mtp ax.25 ipip micp aes-sp3-d etherip encap
pri-enc gmtp ifmp pnni pim aris scps qnx a/n ipcomp snp compaq-peer ipx-n-ip vrrp pgm zero l2tp ddx iatp stp srp uti
smp sm ptp isis fire crtp crudp sccopmce iplt sps pipe sctp fc rsvp
"""
UNASSIGNED = "unas"

ETHERTYPES = {
    0x0600: "idp",
    0x0660: "dlog",
    0x0800: "ip",
    0x0806: "arp",
    0x0BAD: "vines",
    0x22F0: "avtp",
    0x22F3: "trill",
    0x6001: "mopdl",
    0x6002: "moprc",
    0x6003: "decro",
    0x6004: "lat",
    0x8035: "rarp",
    0x809B: "atalk",
    0x80F3: "aarp",
    0x8100: "vlan",
    0x8137: "ipx/spx",
    0x86DD: "ipv6",
    0x8808: "mac",
    0x8809: "slow",
    0x8847: "mpls",
    0x8848: "mplsm",
    0x8863: "pppoe",
    0x8864: "pppoe",
    0x888E: "eapol",
    0x8892: "profinet",
    0x88A4: "ethercat",
    0x88A8: "qinq",
    0x88B8: "goose",
    0x88CC: "lldp",
    0x88E5: "macsec",
    0x88F7: "ptp",
    0x8906: "fcoe",
    0x8914: "fip",
    0x893A: "1905",
    0x9000: "loop",
}
UNKNOWN_ETHERTYPE = "unknown"

SERVICE_ACCESS_POINTS = {
    0x00: "",
    0x04: "snapath",
    0x06: "ipsap",
    0x08: "sna1",
    0x0E: "p-nm",
    0x42: "stp",
    0x4E: "eia",
    0x7E: "x25",
    0x80: "xns",
    0x98: "arp",
    0xAA: "snap",
    0xBC: "vine2",
    0xE0: "netware",
    0xF0: "netbios",
    0xF4: "ibmnm",
    0xFE: "clns",
    0xFF: "gbl",
}

ICMP_TYPES = {
    0: "ECR",
    4: "SRC",
    5: "RED",
    6: "AHA",
    8: "ECO",
    9: "RTA",
    10: "RTS",
    11: "TXD",
    12: "PAR",
    13: "TST",
    14: "TSR",
    15: "IRQ",
    16: "IRR",
    17: "MAS",
    18: "MSR",
    19: "SEC",
    **dict.fromkeys(range(20, 30), "ROB"),
    30: "TRC",
    31: "DCE",
    32: "MHR",
    33: "WAY",
    34: "IAH",
    35: "MRQ",
    36: "MRP",
    37: "DNQ",
    38: "DNP",
    39: "SKP",
    40: "PHO",
    **dict.fromkeys((1, 2, 7), ""),
}
_UNREACHABLE_CODES = "URN URH URO URP URF URS URNU URHU URISO URNPRO URHPRO URNTOS URHTOS URFIL URPRE URCUT"
ICMP_UNREACHABLE = dict(enumerate(_UNREACHABLE_CODES.split()))
ICMPV6_TYPES = {
    2: "PTB",
    128: "ECO",
    129: "ECR",
    130: "MRQ",
    131: "MRP",
    132: "MRP",
    133: "NRS",
    134: "NRA",
    135: "NNS",
    136: "NNA",
    137: "RED",
    143: "MHR",
}
ICMPV6_CODES = {  # by type << 8 | code
    1 << 8 | 0: "URNR",
    1 << 8 | 1: "URAD",
    1 << 8 | 2: "URBS",
    1 << 8 | 3: "URAR",
    1 << 8 | 4: "URP",
    1 << 8 | 5: "URSF",
    1 << 8 | 6: "URRR",
    1 << 8 | 7: "URES",
    3 << 8 | 0: "TXT",
    3 << 8 | 1: "TXR",
    4 << 8 | 0: "PPH",
    4 << 8 | 1: "PPNH",
    4 << 8 | 2: "PPO",
}
UNKNOWN_MESSAGE = "UNK"

ENCAPSULATION_LETTERS = {
    0x1: "m",
    0x2: "e",
    0x4: "v",
    0x8: "l",
    0x10: "p",
    0x20: "i",
    0x40: "G",
    0x80: "a",
    0x100: "P",
    0x200: "6",
    0x400: "H",
    0x800: "C",
    0x1000: "A",
    0x2000: "S",
    0x4000: "F",
    0x8000: "s",
    0x10000: "R",
    0x20000: "w",
    0x40000: "z",
    0x80000: "a",
    0x400000: "T",
    0x2000000: "J",
    0x4000000: "x",
    0x8000000: "L",
    0x10000000: "N",
}


@functools.cache
def ip_protocols() -> dict[int, str]:
    """Return the name of each assigned IP protocol number."""
    return dict(enumerate(_IP_PROTOCOLS.split()))


@functools.cache
def code_points() -> dict[int, str]:
    """Return the name of each DiffServ code point that has one (RFC 2474, 2597, 3246)."""
    assured = {8 * group + 2 * drop: f"af{group}{drop}" for group in range(1, 5) for drop in range(1, 4)}
    return {46: "ef", **{8 * selector: f"cs{selector}" for selector in range(8)}, **assured}
