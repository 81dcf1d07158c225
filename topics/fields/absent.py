"""Fields of Argus whose facts no record here has: they may be asked for and stay blank, each group for its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.expression import lit
from topics.fields.field import Field, Format

if TYPE_CHECKING:
    from collections.abc import Iterator

# Why, then lines of: name heading width meaning. "Argus too": its printers, of 3.0.8 and 5.0.3, have no value.
_GROUPS = {
    "Argus too": """
dsbytes dsBytes 12 Difference in source bytes between matched records
ddbytes ddBytes 12 Difference in destination bytes between matched records
pdspkts pdsPkt 12 Difference in source packets between matched records in percent
pddpkts pddPkt 12 Difference in destination packets between matched records in percent
pdsbytes pdsByte 12 Difference in source bytes between matched records in percent
pddbytes pddByte 12 Difference in destination bytes between matched records in percent
tcpext TcpExt 12 TCP extensions
jdelay JDelay 12 IGMP join delay
ldelay LDelay 12 IGMP leave delay
bins Bins 6 Number of bins
binnum Bin 6 Number of the bin
srng SRange 6 Start of the time range asked for
erng ERange 6 End of the time range asked for
lnet LocalNet 18 Network of the more local end
rnet RemoteNet 18 Network of the less local end
""",
    "records have no place of their own in a file: they are stored by column, in batches": """
offset Offset 12 Place of the record in its file
""",
    "rows of a database are known by flow and status record (hash, seq)": """
autoid AutoId 6 Number of a database row
""",
    "records do not keep who answered apart from whom the frame was sent to": """
resp Response 12 Response data
""",
    "the probe takes no names out of 802.11 management frames": """
bssid Bssid 18 802.11 BSSID
ssid Ssid 9 802.11 SSID
""",
    "keystrokes are not estimated": """
nstroke NStrok 9 Estimated keystrokes
snstroke sNStrok 9 Estimated keystrokes of the source
dnstroke dNStrok 9 Estimated keystrokes of the destination
""",
    "the times between merged records depend on the order they are merged in, and sums here do not": """
intflow IntFlow 12 Mean time between flows
intflowsdev IntFlowSdev 12 Standard deviation of the time between flows
""",
}


BLANK = Format(lambda value, _style, _width: value.cast(pl.String))


def _fields() -> Iterator[Field]:
    for reason, rows in _GROUPS.items():
        for line in rows.strip().splitlines():
            name, title, width, doc = line.split(maxsplit=3)
            yield Field(name, title, int(width), lambda: lit(None), BLANK, f"{doc}; always blank: {reason}")


FIELDS = (Field("xxx", "", 12, lambda: lit(None), BLANK, "A blank column"), *_fields())
