"""How much: packets, bytes, rates, loss and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from topics.expression import col, when
from topics.fields.columns import (
    divided,
    is_tcp,
    nanoseconds,
    of,
    per_second,
    sent,
    side_column,
    side_nanoseconds,
    total,
    where,
)
from topics.fields.field import SIDES, Field, both
from topics.fields.formats import COUNT, FRACTION, INTEGER, RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from topics.expression import Value

BITS = 8


def _counted(name: str, title: str, widths: tuple[int, int], column: str, what: str) -> Iterator[Field]:
    """Yield the total of both directions and each of them."""
    yield Field(name, f"Tot{title}", widths[0], of(total, column), COUNT, f"{what}, both directions")
    yield from both(
        f"{{s}}{name}",
        f"{{Src}}{title}",
        widths[1],
        lambda side: side_column(side, column),
        COUNT,
        f"{what} from the {{source}}",
    )


def _of_side_or_whole(side: str) -> Value:
    """Return how long a direction lasted, where it is one packet how long the record did; ns."""
    own = side_nanoseconds(side)
    return when(own > 0).then(own).otherwise(nanoseconds())


def _load(side: str) -> Value:
    """Bits per second of a direction.

    Argus leaves the first packet out, since nothing is known of the time before it, and counts its bytes as the mean;
    merged records are bytes by duration.
    """
    packets, octets = side_column(side, "packets"), side_column(side, "bytes")
    later = when(packets > 1).then(octets - octets // packets.clip(1)).otherwise(0)
    alone = per_second(later * BITS, _of_side_or_whole(side))
    return when(col("records") == 1).then(alone).otherwise(per_second(octets * BITS, nanoseconds()))


def _both_loads() -> Value:
    amounts = [_load(side) * _of_side_or_whole(side) for side in SIDES]
    return divided(amounts[0] + amounts[1], nanoseconds())


def _rate(packets: Value, duration: Value) -> Value:
    """Packets per second; n packets are n - 1 intervals."""
    return per_second((packets - 1).clip(0), duration)


def _percent(part: Value, whole: Value) -> Value:
    return divided(part * 100, whole)


def _lost(lost: Callable[[str], Value], packets: Callable[[str], Value]) -> Value:
    return _percent(lost("lost_packets"), packets("packets") + lost("lost_packets"))


def _app_ratio() -> Value:
    """Who produces and who consumes: 1 when all application bytes come from the source, -1 from the destination."""
    difference = side_column("src", "app_bytes") - side_column("dst", "app_bytes")
    return divided(difference, total("app_bytes"))


def _side(side: str) -> Callable[[str], Value]:
    return lambda name: side_column(side, name)


def _percent_lost(side: str) -> Value:
    return where(sent(side), _lost(_side(side), _side(side))).or_else(0.0)


def _transfer(side: str) -> Value:
    return divided(side_column(side, "app_bytes"), side_column(side, "bytes"))


def _most_per_second(side: str) -> Value:
    """Bits per second that the window of the receiver allows in one round trip."""
    other = "dst" if side == "src" else "src"
    window, delay = side_column(other, "window"), col("syn_ack_time")
    return when(is_tcp()).then(per_second(window * BITS, delay)).otherwise(0.0)


def _mean_size(side: str) -> Value:
    return divided(side_column(side, "bytes"), side_column(side, "packets"))


def _percent_resent(side: str) -> Value:
    return _percent(side_column(side, "retransmitted_packets"), side_column(side, "packets"))


def _side_rate(side: str) -> Value:
    return _rate(side_column(side, "packets"), _of_side_or_whole(side))


def _of_sender(name: str) -> Callable[[str], Value]:
    return lambda side: side_column(side, name)


def _size(name: str) -> Callable[[str], Value]:
    """Return a size of frames; 0 is none, as of records of an Argus that keeps none."""
    return lambda side: where(sent(side) & (side_column(side, name) > 0), side_column(side, name))


FIELDS = (
    *_counted("pkts", "Pkts", (8, 8), "packets", "Packets"),
    *_counted("bytes", "Bytes", (10, 12), "bytes", "Bytes with link headers"),
    Field(
        "appbytes", "TotAppByte", 10, of(total, "app_bytes"), COUNT, "Bytes above the transport header, both directions"
    ),
    *both(
        "{s}appbytes",
        "{S}AppBytes",
        12,
        _of_sender("app_bytes"),
        COUNT,
        "Bytes above the transport header from the {source}",
    ),
    Field("load", "Load", 8, _both_loads, RATE, "Bits per second, both directions"),
    *both("{s}load", "{Src}Load", 8, _load, RATE, "Bits per second from the {source}"),
    Field(
        "rate",
        "Rate",
        12,
        lambda: _rate(total("packets"), nanoseconds()),
        RATE,
        "Packets per second, both directions",
    ),
    *both("{s}rate", "{Src}Rate", 12, _side_rate, RATE, "Packets per second from the {source}"),
    Field("loss", "Loss", 10, of(total, "lost_packets"), INTEGER, "Packets lost or sent again, both directions"),
    *both(
        "{s}loss", "{Src}Loss", 10, _of_sender("lost_packets"), INTEGER, "Packets of the {source} lost or sent again"
    ),
    Field("ploss", "pLoss", 8, lambda: _lost(total, total), FRACTION, "Percent of the packets lost or sent again"),
    *both(
        "{s}ploss", "p{Src}Loss", 10, _percent_lost, FRACTION, "Percent of the {source}'s packets lost or sent again"
    ),
    Field("retrans", "Retrans", 7, of(total, "retransmitted_packets"), INTEGER, "TCP segments sent again"),
    *both(
        "{s}retrans",
        "{Src}Retra",
        8,
        _of_sender("retransmitted_packets"),
        INTEGER,
        "TCP segments sent again by the {source}",
    ),
    Field(
        "pretrans",
        "pRetran",
        7,
        lambda: _percent(total("retransmitted_packets"), total("packets")),
        FRACTION,
        "Percent of the packets that were sent again",
    ),
    *both(
        "{s}pretrans",
        "p{Src}Retr",
        8,
        _percent_resent,
        FRACTION,
        "Percent of the {source}'s packets that were sent again",
    ),
    Field("abr", "ABRatio", 10, _app_ratio, FRACTION, "Application byte ratio, the same as pcr"),
    Field(
        "pcr",
        "PCRatio",
        10,
        _app_ratio,
        FRACTION,
        "Producer consumer ratio: 1 when all application bytes come from the source, -1 from the destination",
    ),
    Field(
        "tf",
        "TF",
        12,
        lambda: divided(total("app_bytes"), total("bytes")),
        FRACTION,
        "Share of the bytes that are application bytes",
    ),
    *both("{s}tf", "{S}TF", 12, _transfer, FRACTION, "The same share of the bytes from the {source}"),
    *both("{s}meansz", "{s}MeanPktSz", 12, _mean_size, FRACTION, "Mean packet size of the {source}, bytes"),
    *both("{s}maxsz", "{s}MaxPktSz", 12, _size("size_max"), INTEGER, "Largest packet of the {source}, bytes"),
    *both("{s}minsz", "{s}MinPktSz", 12, _size("size_min"), INTEGER, "Smallest packet of the {source}, bytes"),
    *both(
        "{s}gap",
        "{Src}Gap",
        8,
        lambda side: where(is_tcp(), side_column(side, "gap_bytes")),
        INTEGER,
        "TCP bytes from the {source} that were never seen",
    ),
    *both(
        "{s}tcpmax",
        "{S}TcpMax",
        10,
        _most_per_second,
        FRACTION,
        "Most bits per second from the {source} that the window of the {other} allows",
    ),
)
