"""Fields of Argus whose facts no record here has: they may be asked for and stay blank, as in Argus without them."""

from __future__ import annotations

import polars as pl

from topics.expression import lit
from topics.fields.field import Field, Format

# name heading width meaning
_TABLE = """
dspkts dsPkts 12 Difference in source packets between matched records
ddpkts ddPkts 12 Difference in destination packets between matched records
dsbytes dsBytes 12 Difference in source bytes between matched records
ddbytes ddBytes 12 Difference in destination bytes between matched records
pdspkts pdsPkt 12 The same of source packets in percent
pddpkts pddPkt 12 The same of destination packets in percent
pdsbytes pdsByte 12 The same of source bytes in percent
pddbytes pddByte 12 The same of destination bytes in percent
tcpext TcpExt 12 TCP extensions
jdelay JDelay 12 IGMP join delay
ldelay LDelay 12 IGMP leave delay
bins Bins 6 Number of bins
binnum Bin 6 Number of the bin
srng SRange 6 Start of the time range asked for
erng ERange 6 End of the time range asked for
offset Offset 12 Place of the record in its file
spktsz sPktSz 12 Packet size histogram of the source
dpktsz dPktSz 12 Packet size histogram of the destination
sintdist SIntDist 8 Inter-packet time histogram of the source
dintdist DIntDist 8 Inter-packet time histogram of the destination
sintdistact SIntActDist 11 The same of the source while data was in flight
dintdistact DIntActDist 11 The same of the destination while data was in flight
sintdistidl SIntIdlDist 11 The same of the source while the flow was idle
dintdistidl DIntIdlDist 11 The same of the destination while the flow was idle
autoid AutoId 6 Number of a database row
bssid Bssid 18 802.11 BSSID
ssid Ssid 9 802.11 SSID
nstroke NStrok 9 Estimated keystrokes
snstroke sNStrok 9 Estimated keystrokes of the source
dnstroke dNStrok 9 Estimated keystrokes of the destination
resp Response 12 Response data
intflow IntFlow 12 Mean time between flows
intflowsdev IntFlowSdev 12 Standard deviation of the time between flows
lnet LocalNet 18 Network of the more local end
rnet RemoteNet 18 Network of the less local end
"""


BLANK = Format(lambda value, _style, _width: value.cast(pl.String))


def _fields() -> tuple[Field, ...]:
    rows = [line.split(maxsplit=3) for line in _TABLE.strip().splitlines()]
    return tuple(
        Field(name, title, int(width), lambda: lit(None), BLANK, f"{doc}; always blank")
        for name, title, width, doc in rows
    )


FIELDS = (Field("xxx", "", 12, lambda: lit(None), BLANK, "A blank column"), *_fields())
