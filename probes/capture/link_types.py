"""Link types of pcap and pcapng (the tcpdump.org registry) that the decoders know."""

from __future__ import annotations

NULL = 0
ETHERNET = 1
SLIP = 8
PPP = 9
RAW_BSD = 12
RAW_OPENBSD = 14
PPP_HDLC = 50
PPP_ETHER = 51  # PPPoE, from its own header on
RAW = 101
C_HDLC = 104
IEEE802_11 = 105
FRAME_RELAY = 107
LOOP = 108
LINUX_SLL = 113
PFLOG = 117
IEEE802_11_PRISM = 119
IEEE802_11_RADIOTAP = 127
IEEE802_11_AVS = 163
JUNIPER_ETHERNET = 178
PPI = 192  # what was measured of a frame, then the frame with a link type of its own
IPV4 = 228
IPV6 = 229
NFLOG = 239
LINUX_SLL2 = 276

KNOWN = frozenset(
    {
        NULL,
        ETHERNET,
        SLIP,
        PPP,
        RAW_BSD,
        RAW_OPENBSD,
        PPP_HDLC,
        PPP_ETHER,
        RAW,
        C_HDLC,
        IEEE802_11,
        FRAME_RELAY,
        LOOP,
        LINUX_SLL,
        PFLOG,
        IEEE802_11_PRISM,
        IEEE802_11_RADIOTAP,
        IEEE802_11_AVS,
        JUNIPER_ETHERNET,
        PPI,
        IPV4,
        IPV6,
        NFLOG,
        LINUX_SLL2,
    }
)
