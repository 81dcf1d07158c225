"""How values are written: what the options of `ra` say about numbers, names and times."""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """Choices that hold for a whole listing.

    `precision` is the number of fraction digits (0 to 9); `port_names` and `protocol_names` say whether numbers become
    words, `host_names` whether addresses do; `epoch` prints times as seconds since 1970 instead of as the local time of
    day; `tcp_state` is how `state` shows TCP: `word`, `letters` (what happened, in order), or the flags seen from the
    `source`, the `destination` or `both`. `abbreviate` writes counters and rates as 4.692K,
    with so many digits. `payload` is how captured payload is shown: `ascii`, `obfuscate` (credentials blotted out),
    `hex`, `encode32` (hexadecimal too, in capitals and as wide as that takes) or `encode64`.
    """

    precision: int = 6
    port_names: bool = True
    protocol_names: bool = True
    epoch: bool = False
    tcp_state: str = "word"
    abbreviate: int | None = None
    payload: str = "ascii"
    host_names: bool = False
