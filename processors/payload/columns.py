"""Frames of flow records with what their payload says: protocol, a line for each direction, and facts as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.payload.decode import ARP_TYPES, SERVICES, Payload, decode
from processors.payload.message import Message
from processors.payload.stations import say_arp
from topics.address_text import ip_text, mac_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

SIDES = ("src", "dst")
APPLICATION = "application"
SAID = {side: f"{side}_said" for side in SIDES}
NEEDED = frozenset(
    {"ethertype", "protocol"}
    | {f"{side}_{name}" for side in SIDES for name in ("payload", "port", "app_bytes", "address", "mac", "packets")}
)
BROADCAST = b"\xff" * 6  # where a request went, which says nothing of who answered
REMEMBERED = 65_536  # messages: those of many flows begin alike


class Decoder:
    """Adds what payloads say to frames; messages that were seen before are not read once more."""

    def __init__(self, facts: Collection[str] = (), *, blot: bool = False) -> None:
        self._facts, self._blot = tuple(facts), blot
        self._known: dict[Payload, Message] = {}

    def decoded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the columns NEEDED with those of APPLICATION, SAID and the facts asked for besides.

        A fact is what the source says, or else the destination; null where neither does.
        """
        pairs = list(self._pairs(frame))
        columns = [
            pl.Series(APPLICATION, [first.protocol or second.protocol for first, second in pairs], pl.String),
            *(
                pl.Series(SAID[side], [pair[place].text for pair in pairs], pl.String)
                for place, side in enumerate(SIDES)
            ),
            *(pl.Series(name, [_fact(name, pair) for pair in pairs], pl.String) for name in self._facts),
        ]
        return frame.with_columns(columns)

    def _pairs(self, frame: pl.DataFrame) -> Iterator[tuple[Message, Message]]:
        service = (
            pl.when(pl.col("dst_port").is_in(SERVICES))
            .then("dst_port")
            .when(pl.col("src_port").is_in(SERVICES))
            .then("src_port")
            .otherwise(0)
        )
        kinds = frame.select("ethertype", "protocol", service=service).iter_rows()
        sides = (frame.select(f"{side}_payload", f"{side}_app_bytes").iter_rows() for side in SIDES)
        for row, (kind, *ends) in enumerate(zip(kinds, *sides, strict=True)):
            if kind[0] in ARP_TYPES and not ends[0][0] and not ends[1][0]:
                yield _arp(frame.row(row, named=True))
            else:
                first, second = (self._message(data, kind, size) for data, size in ends)
                yield first, second

    def _message(self, data: bytes | None, kind: tuple[int, int, int], size: int) -> Message:
        payload = Payload(data or b"", *kind, whole=len(data or b"") >= size)
        known = self._known.get(payload)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[payload] = decode(payload, blot=self._blot)
        return known


def _fact(name: str, pair: tuple[Message, Message]) -> str | None:
    value = pair[0].facts.get(name, pair[1].facts.get(name))
    return None if value is None else str(value)


def _arp(record: dict[str, bytes]) -> tuple[Message, Message]:
    """Say who asked and who answered, as the flow's key tells it: of ARP no payload is kept."""
    messages = (Message(), Message())
    addresses = [ip_text(record[f"{side}_address"]) for side in SIDES]
    for place, side in enumerate(SIDES):
        if record[f"{side}_packets"]:
            messages[place].protocol = "arp"
            ends = addresses if not place else addresses[::-1]
            mac = record[f"{side}_mac"]
            say_arp(messages[place], place + 1, "" if mac == BROADCAST else mac_text(mac), *ends)
    return messages
