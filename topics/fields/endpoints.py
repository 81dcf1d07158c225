"""Who: addresses, protocol, ports, MACs, and which probe saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from topics.address_text import ip_column, mac_column
from topics.fields.columns import (
    ESP,
    ICMP,
    ICMPV6,
    RARP_TYPE,
    WITH_PORTS,
    WLAN,
    is_ip,
    is_link,
    is_llc,
    side_column,
    where,
)
from topics.fields.field import Field, Format, both
from topics.fields.formats import INTEGER, TEXT, WORD, hexadecimal
from topics.fields.names import (
    ETHERTYPES,
    SERVICE_ACCESS_POINTS,
    UNASSIGNED,
    UNKNOWN_ETHERTYPE,
    ip_protocols,
)
from topics.fields.services import PROTOCOLS, service_names
from topics.flags import FlowFlags

if TYPE_CHECKING:
    from topics.fields.style import Style

NO_MAC = bytes(6)
NO_ADDRESS = bytes(16)
NOTHING = "0.0.0.0"  # noqa: S104 - how Argus prints the address of what was merged away
OUI_TEXT = 8


def _address(side: str) -> pl.Expr:
    address, kind = side_column(side, "address"), pl.col("ethertype")
    text = pl.coalesce(mac_column(where(is_link(), address)), ip_column(where(~is_link(), address)))
    return pl.when((kind == 0) & (address == NO_ADDRESS)).then(pl.lit(NOTHING)).otherwise(text)


def _mac(side: str) -> pl.Expr:
    address = side_column(side, "mac")
    return mac_column(where(address != NO_MAC, address))


def _router() -> pl.Expr:
    return ip_column(where(pl.col("icmp_error") > 0, pl.col("icmp_error_router")))


def _srcid() -> pl.Expr:
    probe, interface = pl.col("probe").cast(pl.String), pl.col("interface").cast(pl.String)
    return pl.when(interface == "").then(probe).otherwise(pl.concat_str([probe, pl.lit("/"), interface]))


def _protocol_text(number: pl.Expr, style: Style, _: int) -> pl.Expr:
    kind = pl.col("ethertype")
    ip = is_ip() | ((kind == 0) & (number > 0))
    if not style.protocol_names:
        frame = pl.when(is_llc()).then(0).otherwise(kind)
        text = pl.when(ip).then(number.cast(pl.UInt16)).otherwise(frame).cast(pl.String)
        return pl.when(kind == WLAN).then(pl.lit("wlan")).otherwise(text)
    name = number.replace_strict(ip_protocols(), default=UNASSIGNED, return_dtype=pl.String)
    frame = kind.replace_strict(ETHERTYPES, default=UNKNOWN_ETHERTYPE, return_dtype=pl.String)
    flags = pl.col("flow_flags")
    return (
        pl.when(flags & FlowFlags.RTP.value != 0)
        .then(pl.lit("rtp"))
        .when(flags & FlowFlags.RTCP.value != 0)
        .then(pl.lit("rtcp"))
        .when(ip)
        .then(name)
        .when(kind == WLAN)
        .then(pl.lit("wlan"))
        .when(is_llc())
        .then(pl.lit("llc"))
        .when(kind == 0)
        .then(pl.lit("ip"))
        .otherwise(frame)
    )


def _port_text(side: str) -> Format:
    def text(port: pl.Expr, style: Style, _: int) -> pl.Expr:
        protocol, kind = pl.col("protocol"), pl.col("ethertype")
        return (
            pl.when(protocol.is_in(WITH_PORTS))
            .then(_service(port, style))
            .when(protocol == ICMP)
            .then(hexadecimal(port.cast(pl.UInt32) % 256 * 256 + port // 256, 4))
            .when(protocol == ICMPV6)
            .then(_icmpv6_port(side, style))
            .when(protocol == ESP)
            .then(_security_index(side))
            .when(is_link() & ~kind.is_in([RARP_TYPE, WLAN]))
            .then(_access_point(side, style))
            .otherwise(pl.lit(None, pl.String))
        )

    return Format(text, left=True)


def _service(port: pl.Expr, style: Style) -> pl.Expr:
    number = port.cast(pl.String)
    if not style.port_names:
        return number
    text: pl.Expr = pl.when(port > 0).then(number)
    for protocol in PROTOCOLS:
        named = port.replace_strict(service_names(protocol), default=None, return_dtype=pl.String)
        text = pl.when(pl.col("protocol") == protocol).then(pl.coalesce(named, text)).otherwise(text)
    return text


def _icmpv6_port(side: str, style: Style) -> pl.Expr:
    """Argus shows the type as source port and the code as destination port of ICMPv6."""
    port = pl.col("src_port")
    number = port // 256 if side == "src" else port % 256
    return hexadecimal(number, 4) if style.port_names else number.cast(pl.String)


def _security_index(side: str) -> pl.Expr:
    return pl.lit(None, pl.String) if side == "src" else hexadecimal(pl.col("discriminator"), 8)


def _access_point(side: str, style: Style) -> pl.Expr:
    """Return the LLC service access point; a frame with an ethertype has none, which Argus shows as 0."""
    kind = pl.col("ethertype")
    point = pl.when(is_llc()).then(kind % 256 if side == "src" else kind // 256).otherwise(0)
    if not style.port_names:
        return point.cast(pl.String)
    return point.replace_strict(SERVICE_ACCESS_POINTS, default=point.cast(pl.String), return_dtype=pl.String)


def _message_id() -> pl.Expr:
    identifier = pl.col("dst_port")
    swapped = identifier.cast(pl.UInt32) % 256 * 256 + identifier // 256
    protocol = pl.col("protocol")
    return pl.when(protocol == ICMP).then(swapped).when(protocol == ICMPV6).then(0)


FIELDS = (
    Field("srcid", "SrcId", 18, _srcid, TEXT),
    Field("sid", "Sid", 18, lambda: pl.col("probe").cast(pl.String), TEXT),
    Field("inf", "Inf", 4, lambda: pl.col("interface").cast(pl.String), TEXT),
    Field("site", "Site", 12, lambda: pl.col("site").cast(pl.String), TEXT),
    *both("{s}addr", "{Src}Addr", 18, _address, WORD),
    Field("proto", "Proto", 6, lambda: pl.col("protocol"), Format(_protocol_text)),
    *both("{s}port", "{S}port", 6, lambda side: side_column(side, "port"), (_port_text("src"), _port_text("dst"))),
    *both("{s}mac", "{Src}Mac", 18, _mac, WORD),
    *both("{s}oui", "{Src}Oui", 9, lambda side: _mac(side).str.slice(0, OUI_TEXT), WORD),
    Field("inode", "Inode", 18, _router, WORD),
    Field("icmpid", "IcmpId", 6, _message_id, INTEGER),
    Field("etype", "EType", 8, lambda: pl.col("ethertype"), INTEGER),
)
