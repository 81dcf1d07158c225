"""Link types of pcap and pcapng (the tcpdump.org registry) that the decoders know."""

from __future__ import annotations

NULL = 0
ETHERNET = 1
RAW_BSD = 12
RAW_OPENBSD = 14
RAW = 101
IEEE802_11 = 105
LOOP = 108
LINUX_SLL = 113
IEEE802_11_RADIOTAP = 127
IPV4 = 228
IPV6 = 229
LINUX_SLL2 = 276

KNOWN = frozenset(
    {
        NULL,
        ETHERNET,
        RAW_BSD,
        RAW_OPENBSD,
        RAW,
        IEEE802_11,
        LOOP,
        LINUX_SLL,
        IEEE802_11_RADIOTAP,
        IPV4,
        IPV6,
        LINUX_SLL2,
    }
)
