"""Frames of flow records with what their payload says: protocol, a line for each direction, and facts as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from processors.payload.decode import ARP_TYPES, SERVICES, Payload, decode
from processors.payload.message import Message
from processors.payload.stations import say_arp
from topics.address_text import ip_text, mac_text
from topics.distinct import every_row_alike

if TYPE_CHECKING:
    from collections.abc import Collection

SIDES = ("src", "dst")
APPLICATION = "application"
SAID = {side: f"{side}_said" for side in SIDES}
NEEDED = frozenset(
    {"ethertype", "protocol"}
    | {f"{side}_{name}" for side in SIDES for name in ("payload", "port", "app_bytes", "address", "mac", "packets")}
)
BROADCAST = b"\xff" * 6  # where a request went, which says nothing of who answered
ARP_COLUMNS = [f"{side}_{name}" for side in SIDES for name in ("address", "mac", "packets")]
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
        sides = [self._side(frame, side) for side in SIDES]
        said = [
            pl.when(sides[0]["application"] != "").then(sides[0]["application"]).otherwise(sides[1]["application"]),
            *(sides[place]["said"].alias(SAID[side]) for place, side in enumerate(SIDES)),
            *(pl.coalesce(sides[0][name], sides[1][name]).alias(name) for name in self._facts),
        ]
        made = frame.with_columns(pl.select(said).rename({"application": APPLICATION}))
        return _with_arp(made, self._facts) if made["ethertype"].is_in(ARP_TYPES).any() else made

    def _side(self, frame: pl.DataFrame, side: str) -> pl.DataFrame:
        """Return what one side of each record says; each different payload is looked up once."""
        ports = [pl.col(name).is_in(SERVICES) for name in ("dst_port", "src_port")]
        data = pl.col(f"{side}_payload").fill_null(b"")
        keys = frame.select(
            data.alias("data"),
            "ethertype",
            "protocol",
            pl.when(ports[0]).then("dst_port").when(ports[1]).then("src_port").otherwise(0).alias("service"),
            (data.bin.size() >= pl.col(f"{side}_app_bytes")).alias("whole"),
        )
        if not keys.height:
            return pl.DataFrame(schema=dict.fromkeys(("application", "said", *self._facts), pl.String))
        places, first = every_row_alike(keys.get_columns())
        different = keys[first]
        messages = [self._message(Payload(*row)) for row in different.iter_rows()]
        told = different.with_columns(
            pl.Series("application", [message.protocol for message in messages], pl.String),
            pl.Series("said", [message.text for message in messages], pl.String),
            *(pl.Series(name, [_fact(name, message) for message in messages], pl.String) for name in self._facts),
        )
        return told.select(pl.col("application", "said", *self._facts).gather(places))

    def _message(self, payload: Payload) -> Message:
        known = self._known.get(payload)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[payload] = decode(payload, blot=self._blot)
        return known


def _fact(name: str, message: Message) -> str | None:
    value = message.facts.get(name)
    return None if value is None else str(value)


def _with_arp(frame: pl.DataFrame, facts: Collection[str]) -> pl.DataFrame:
    """Say of ARP without payload who asked and who answered, as the key of the flow tells it."""
    silent = [(pl.col(f"{side}_payload").bin.size() == 0).fill_null(value=True) for side in SIDES]
    rows = frame.select(pl.col("ethertype").is_in(ARP_TYPES) & silent[0] & silent[1]).to_series().arg_true()
    if not len(rows):
        return frame
    asked = frame.select(ARP_COLUMNS)[rows]
    places, first = every_row_alike(asked.get_columns())
    pairs = [_arp(dict(zip(ARP_COLUMNS, ends, strict=True))) for ends in asked[first].iter_rows()]
    columns: dict[str, list[str] | list[str | None]] = {
        APPLICATION: [first.protocol or second.protocol for first, second in pairs],
        **{SAID[side]: [pair[place].text for pair in pairs] for place, side in enumerate(SIDES)},
        **{
            name: [next((f for f in (_fact(name, each) for each in pair) if f), None) for pair in pairs]
            for name in facts
        },
    }
    told = [
        frame[name].scatter(rows, pl.Series(values, dtype=pl.String).gather(places)) for name, values in columns.items()
    ]
    return frame.with_columns(told)


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
