"""Who: addresses, protocol, ports, MACs, and which probe saw it."""

from __future__ import annotations

import functools
from functools import partial, reduce
from ipaddress import ip_network
from typing import TYPE_CHECKING

import polars as pl

from topics.expression import Value, any_of, col, community_id, concat, first_of, lit, lookup, when
from topics.expression.polars import polars
from topics.fields.columns import (
    ESP,
    ICMP,
    ICMPV6,
    IPV6_TYPE,
    RARP_TYPE,
    TCP,
    UDP,
    WITH_PORTS,
    WLAN,
    is_ip,
    is_link,
    is_llc,
    side_column,
    where,
)
from topics.fields.field import Field, Format, both
from topics.fields.formats import INTEGER, TEXT, WORD, hexadecimal, where_known
from topics.fields.names import (
    ETHERTYPES,
    SERVICE_ACCESS_POINTS,
    UNASSIGNED,
    UNKNOWN_ETHERTYPE,
    ip_protocols,
)
from topics.fields.services import PROTOCOLS, service_names
from topics.flags import Encapsulation, FlowFlags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.fields.style import Style

NO_MAC = bytes(6)
ADDRESS_SIZE = 16
NO_ADDRESS = ip_network("::/128")
IPV4, MAPPED_BITS = ip_network("0.0.0.0/0"), 96  # what stands before an IPv4 address in one of IPv6
LOOPBACK = ip_network("127.0.0.0/8"), ip_network("::1/128")
NOTHING = "0.0.0.0"  # noqa: S104 - how Argus prints the address of what was merged away
OUI_TEXT = 8
# By the second digit of the address: universally or locally administered (IEEE 802c names four kinds), or of a group.
MAC_CLASSES = {"048c": "UAA", "2": "AAI", "6": "RES", "a": "ELI", "e": "SAI", "13579bdf": "LM"}


def _merged_away(side: str) -> Value:
    """Tell where a merge left no address of a side."""
    return (col("ethertype") != IPV6_TYPE) & ~is_link() & side_column(side, "address").ip_within(NO_ADDRESS)


def _address(side: str) -> Value:
    address = side_column(side, "address")
    shown = address.mac_text(is_link()).or_else(address.ip_text(~is_link()))
    return when(_merged_away(side)).then(NOTHING).otherwise(shown)


def _prefix_length(side: str) -> Value:
    """Return the bits that an address shares, of an IPv4 address counted from where it begins in the mapped one."""
    bits = side_column(side, "prefix_length")
    mapped = ~is_link() & side_column(side, "address").ip_within(IPV4) & (bits >= MAPPED_BITS)
    return when(mapped).then(bits - MAPPED_BITS).otherwise(bits)


def _address_text(text: pl.Expr, style: Style, _: int) -> pl.Expr:
    if not style.host_names:
        return text
    from topics.fields.hosts import host_names

    return host_names(text)


def _network(side: str) -> Value:
    address = side_column(side, "address")
    shown = first_of(address.mac_text(is_link()), address.class_network(is_ip()))
    return shown.or_else(NOTHING)


def _mac(side: str) -> Value:
    """Return the MAC address; zeros are one on a loopback interface that says it were Ethernet, else there is none."""
    address = side_column(side, "mac")
    neither = side_column("src", "mac").mac_is(NO_MAC) & side_column("dst", "mac").mac_is(NO_MAC)
    ethernet = side_column("src", "encapsulations").joined(side_column("dst", "encapsulations"))
    merged = _merged_away("src") | _merged_away("dst") | col("flow_flags").has(FlowFlags.MULTIPLE_MACS)
    local = (side_column("src", "address").ip_within(each) for each in LOOPBACK)
    loopback = any_of(local) & neither & ethernet.has(Encapsulation.ETHERNET) & ~merged
    return address.mac_text(~address.mac_is(NO_MAC) | loopback)


def _mac_class(side: str) -> Value:
    digit = _mac(side).character(1)
    return reduce(
        lambda other, kind: when(digit.is_in(kind[0])).then(kind[1]).otherwise(other), MAC_CLASSES.items(), lit(None)
    )


def _router() -> Value:
    return col("icmp_error_router").ip_text(col("icmp_error") > 0)


def _srcid() -> Value:
    probe, interface = col("probe"), col("interface")
    return when(interface == "").then(probe).otherwise(concat(probe, "/", interface))


def _protocol() -> Value:
    kind, number, flags = col("ethertype"), col("protocol"), col("flow_flags")
    ip = is_ip() | ((kind == 0) & (number > 0))
    return (
        when(flags.has(FlowFlags.RTP))
        .then("rtp")
        .when(flags.has(FlowFlags.RTCP))
        .then("rtcp")
        .when(ip)
        .then(lookup(number, ip_protocols(), UNASSIGNED))
        .when(kind == WLAN)
        .then("wlan")
        .when(is_llc())
        .then("llc")
        .when(kind == 0)
        .then("ip")
        .otherwise(lookup(kind, ETHERTYPES, UNKNOWN_ETHERTYPE))
    )


def _protocol_number() -> Value:
    kind, number = col("ethertype"), col("protocol")
    ip = is_ip() | ((kind == 0) & (number > 0))
    return when(ip).then(number).when(is_llc()).then(0).otherwise(kind)


def _protocol_text(name: pl.Expr, style: Style, _: int) -> pl.Expr:
    if style.protocol_names:
        return name
    return polars(when(col("ethertype") == WLAN).then("wlan").otherwise(_protocol_number().number_text()))


def _port_text(side: str) -> Format:
    def text(port: pl.Expr, style: Style, _: int) -> pl.Expr:
        protocol, kind = pl.col("protocol"), pl.col("ethertype")
        return (
            pl.when(_has_port(port))
            .then(service(port, style))
            .when(protocol == ICMP)
            .then(
                where_known(pl.when(protocol == ICMP).then(port.cast(pl.UInt32) % 256 * 256 + port // 256), _hex_of_16)
            )
            .when(protocol == ICMPV6)
            .then(_icmpv6_port(side, style))
            .when(protocol == ESP)
            .then(_security_index(side))
            .when(polars(is_link()) & ~kind.is_in([RARP_TYPE, WLAN]))
            .then(_access_point(side, style))
            .otherwise(pl.lit(None, pl.String))
        )

    return Format(text, left=True, holds="number", plain=_plain_port, also=_beside_ports)


def _has_port(port: pl.Expr) -> pl.Expr:
    protocol = pl.col("protocol")
    return protocol.is_in(WITH_PORTS) & (protocol.is_in((TCP, UDP)) | (port > 0))


def _plain_port(port: pl.Expr, style: Style) -> pl.Expr | None:
    return None if style.port_names else _has_port(port)


def _beside_ports() -> tuple[Value, ...]:
    protocol = col("protocol")
    index, message = where(protocol == ESP, col("discriminator")), where(protocol == ICMPV6, col("src_port"))
    return (protocol, is_link(), is_llc(), col("ethertype"), message.or_else(0), index.or_else(0))


def _hex_of_16(number: pl.Expr) -> pl.Expr:
    return hexadecimal(number, 4)


def _hex_of_32(number: pl.Expr) -> pl.Expr:
    return hexadecimal(number, 8)


def service(port: pl.Expr, style: Style) -> pl.Expr:
    """Return ports by name or number, as the protocol in the column `protocol` has them."""
    number = port.cast(pl.String)
    if not style.port_names:
        return number
    both = pl.col("protocol").cast(pl.UInt32) * (1 << 16) + port.cast(pl.UInt32)
    return both.replace_strict(_every_service(), default=pl.when(port > 0).then(number), return_dtype=pl.String)


@functools.cache
def _every_service() -> dict[int, str]:
    """Return the names of ports, by 65,536 times the protocol and the port."""
    return {(number << 16) + port: name for number in PROTOCOLS for port, name in service_names(number).items()}


def _icmpv6_port(side: str, style: Style) -> pl.Expr:
    """Argus shows the type as source port and the code as destination port of ICMPv6."""
    port = pl.col("src_port")
    number = pl.when(pl.col("protocol") == ICMPV6).then(port // 256 if side == "src" else port % 256)
    return where_known(number, _hex_of_16) if style.port_names else number.cast(pl.String)


def _security_index(side: str) -> pl.Expr:
    index = pl.when(pl.col("protocol") == ESP).then("discriminator")
    return pl.lit(None, pl.String) if side == "src" else where_known(index, _hex_of_32)


def _access_point(side: str, style: Style) -> pl.Expr:
    """Return the LLC service access point; a frame with an ethertype has none, which Argus shows as 0."""
    kind = pl.col("ethertype")
    point = pl.when(polars(is_llc())).then(kind % 256 if side == "src" else kind // 256).otherwise(0)
    if not style.port_names:
        return point.cast(pl.String)
    return point.replace_strict(SERVICE_ACCESS_POINTS, default=point.cast(pl.String), return_dtype=pl.String)


def _message_id() -> Value:
    identifier, protocol = col("dst_port"), col("protocol")
    swapped = identifier % 256 * 256 + identifier // 256
    return when(protocol == ICMP).then(swapped).when(protocol == ICMPV6).then(0)


def _tunnel_end(encapsulation: Encapsulation, side: str) -> Value:
    seen = col("src_encapsulations").joined(col("dst_encapsulations")).has(encapsulation)
    addresses = col("tunnel_addresses")
    end = addresses.slice(0 if side == "src" else ADDRESS_SIZE, ADDRESS_SIZE)
    return end.ip_text(seen & (addresses.size() == 2 * ADDRESS_SIZE))


def _inside(encapsulation: Encapsulation) -> Value:
    seen = col("src_encapsulations").joined(col("dst_encapsulations")).has(encapsulation)
    return where(seen, lookup(col("ethertype"), ETHERTYPES, UNKNOWN_ETHERTYPE))


def _tunnel_fields() -> Iterator[Field]:
    for short, title, kind in (("gre", "Gre", Encapsulation.GRE), ("gen", "Gen", Encapsulation.GENEVE)):
        ends = partial(_tunnel_end, kind)
        name = kind.name or ""
        yield from both(
            f"{{s}}{short}addr", f"{{S}}{title}Addr", 18, ends, WORD, f"End of the {name} tunnel, {{source}}"
        )
        protocol = partial(_inside, kind)
        yield Field(f"{short}proto", f"{title}Proto", 6, protocol, WORD, f"Protocol inside the {name} tunnel")


FIELDS = (
    Field("srcid", "SrcId", 18, _srcid, TEXT, "Probe, and interface, that made the record"),
    Field("sid", "Sid", 18, lambda: col("probe"), TEXT, "Probe that made the record"),
    Field("inf", "Inf", 4, lambda: col("interface"), TEXT, "Interface of the probe"),
    Field("site", "Site", 12, lambda: col("site"), TEXT, "Site of the probe"),
    Field("node", "Node", 8, lambda: col("site"), TEXT, "Site of the probe, by the name that Argus 5 has for it"),
    *both(
        "{s}addr",
        "{Src}Addr",
        18,
        _address,
        Format(_address_text),
        "Address of the {source}: IP, or MAC where there is no IP",
        lambda side: side_column(side, "address"),
    ),
    *both("{s}net", "{Src}Net", 18, _network, WORD, "Network of the {source} by the class of its address"),
    *both(
        "{s}mask",
        "{s}Mask",
        5,
        _prefix_length,
        INTEGER,
        "Leading bits of the {source} address that all merged records share; a whole one has 32 of IPv4, else 128",
    ),
    Field(
        "proto", "Proto", 6, _protocol, Format(_protocol_text), "Protocol: of IP, else by ethertype", _protocol_number
    ),
    *both(
        "{s}port",
        "{S}port",
        6,
        lambda side: side_column(side, "port"),
        (_port_text("src"), _port_text("dst")),
        "Port of the {source}; type and code or id of ICMP, SPI of ESP, access point of LLC",
    ),
    *both("{s}mac", "{Src}Mac", 18, _mac, WORD, "MAC address on frames of the {source}"),
    *both("{s}oui", "{Src}Oui", 9, lambda side: _mac(side).starting(OUI_TEXT), WORD, "Vendor part of that address"),
    *both("{s}macoui", "{s}MacOui", 9, lambda side: _mac(side).starting(OUI_TEXT), WORD, "Vendor part of that address"),
    *both(
        "{s}macclass", "{s}MacClass", 5, _mac_class, WORD, "Class of that address: UAA, LM (group), AAI, ELI, SAI, RES"
    ),
    Field("inode", "Inode", 18, _router, WORD, "Router that sent an ICMP error about the flow"),
    Field("icmpid", "IcmpId", 6, _message_id, INTEGER, "ICMP identifier"),
    Field(
        "communityid",
        "CommunityId",
        30,
        lambda: where(is_ip(), community_id()),
        TEXT,
        "Community id of the flow, version 1, as intrusion detection systems have it",
    ),
    Field("etype", "EType", 8, lambda: col("ethertype"), INTEGER, "Ethertype"),
    *_tunnel_fields(),
)
