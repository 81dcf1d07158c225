"""The facts that decoders note, each a column: the heading it has, how wide it is, and what it says."""

from __future__ import annotations

from typing import NamedTuple


class FactColumn(NamedTuple):
    """How a fact is listed."""

    width: int
    doc: str


FACTS = {
    "dns.id": FactColumn(6, "number of the message"),
    "dns.name": FactColumn(32, "name asked for; netbios., mdns. and llmnr. have the same"),
    "dns.type": FactColumn(6, "type asked for"),
    "dns.rcode": FactColumn(9, "response code"),
    "dns.answers": FactColumn(7, "number of answers"),
    "dns.data": FactColumn(40, "answers"),
    "arp.sender": FactColumn(15, "address of who asks or answers"),
    "arp.mac": FactColumn(17, "its MAC"),
    "arp.target": FactColumn(15, "address asked for"),
    "dhcp.message": FactColumn(8, "kind of message"),
    "dhcp.mac": FactColumn(17, "MAC of the client"),
    "dhcp.name": FactColumn(20, "name that the client gives itself"),
    "dhcp.asked": FactColumn(15, "address asked for"),
    "dhcp.address": FactColumn(15, "address given, or had"),
    "dhcp.server": FactColumn(15, "server"),
    "dhcp.router": FactColumn(15, "router"),
    "dhcp.vendor": FactColumn(16, "vendor class"),
    "dhcp.domain": FactColumn(20, "domain"),
    "dhcp.lease": FactColumn(8, "seconds of the lease"),
    "dhcpv6.message": FactColumn(12, "kind of message"),
    "dhcpv6.mac": FactColumn(17, "MAC of the client"),
    "dhcpv6.name": FactColumn(20, "name that the client gives itself"),
    "dhcpv6.address": FactColumn(39, "addresses"),
    "ntp.version": FactColumn(4, "version"),
    "ntp.mode": FactColumn(9, "client, server, ..."),
    "ntp.stratum": FactColumn(7, "stratum"),
    "ntp.reference": FactColumn(15, "what the clock follows"),
    "ntp.sent": FactColumn(20, "clock of the sender"),
    "http.method": FactColumn(8, "method"),
    "http.uri": FactColumn(40, "what was asked for"),
    "http.version": FactColumn(4, "version"),
    "http.status": FactColumn(6, "status of the answer"),
    "http.host": FactColumn(24, "host asked"),
    "http.agent": FactColumn(30, "program of the client"),
    "http.server": FactColumn(20, "program of the server"),
    "http.type": FactColumn(20, "type of the content"),
    "http.length": FactColumn(9, "bytes of the content"),
    "http.location": FactColumn(40, "where to go instead"),
    "http.referer": FactColumn(40, "where the client came from"),
    "http.authorization": FactColumn(30, "credentials (not with printer=obfuscate)"),
    "tls.sni": FactColumn(30, "name of the server that the client wants"),
    "tls.alpn": FactColumn(16, "protocols that the client offers"),
    "tls.offered": FactColumn(7, "latest version that the client offers"),
    "tls.ciphers": FactColumn(40, "ciphers that the client offers, in hexadecimal"),
    "tls.ja3": FactColumn(32, "JA3 of the client"),
    "tls.ja4": FactColumn(36, "JA4 of the client"),
    "tls.version": FactColumn(7, "version that the server chose"),
    "tls.cipher": FactColumn(6, "cipher that the server chose"),
    "tls.protocol": FactColumn(8, "protocol that the server chose"),
    "tls.ja3s": FactColumn(32, "JA3S of the server"),
    "tls.alert": FactColumn(20, "alert"),
    "snmp.version": FactColumn(4, "version"),
    "snmp.community": FactColumn(12, "community (not with printer=obfuscate)"),
    "snmp.user": FactColumn(12, "user, of version 3"),
    "snmp.engine": FactColumn(24, "engine, of version 3"),
    "snmp.request": FactColumn(9, "kind of request"),
    "snmp.oids": FactColumn(30, "objects asked for"),
    "smb.version": FactColumn(4, "SMB1 or SMB2"),
    "smb.command": FactColumn(15, "command"),
    "smb.status": FactColumn(20, "status of the answer"),
    "smb.dialects": FactColumn(30, "dialects offered, or the one chosen"),
    "smb.share": FactColumn(24, "share"),
    "smb.user": FactColumn(16, "who logs in"),
    "smb.domain": FactColumn(16, "domain of who logs in"),
    "smb.station": FactColumn(16, "station of who logs in"),
    "bgp.message": FactColumn(12, "kind of the first message"),
    "bgp.as": FactColumn(10, "AS of the speaker"),
    "bgp.hold": FactColumn(5, "seconds without a message that end the session"),
    "bgp.router": FactColumn(15, "id of the router"),
    "bgp.path": FactColumn(24, "AS path"),
    "bgp.hop": FactColumn(15, "next hop"),
    "bgp.announced": FactColumn(30, "networks announced"),
    "bgp.withdrawn": FactColumn(30, "networks withdrawn"),
    "bgp.error": FactColumn(20, "error notified"),
    "sip.method": FactColumn(9, "method"),
    "sip.uri": FactColumn(30, "who is called"),
    "sip.version": FactColumn(4, "version"),
    "sip.status": FactColumn(6, "status of the answer"),
    "sip.from": FactColumn(30, "caller"),
    "sip.to": FactColumn(30, "called"),
    "sip.call": FactColumn(24, "call id"),
    "sip.agent": FactColumn(20, "program"),
    "sip.contact": FactColumn(30, "where to reach the sender"),
}
LIKE_DNS = ("mdns", "llmnr", "netbios")
FACTS |= {
    f"{kind}.{name.partition('.')[2]}": column
    for kind in LIKE_DNS
    for name, column in FACTS.items()
    if name.startswith("dns.")
}
FACTS |= {f"{kind}.line": FactColumn(40, "first line") for kind in ("ssh", "ftp", "smtp", "pop3", "imap", "irc")}
