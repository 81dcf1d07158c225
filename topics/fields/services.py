"""Names of well-known ports, after the IANA registry: a table of our own, so that output is the same on every host.

Only services that turn up in practice are named, and not by names that mislead: 8443 is hardly ever what it was
registered for. A port that is not listed prints as its number.
"""

from __future__ import annotations

import functools

BOTH = """
7 echo, 9 discard, 13 daytime, 17 qotd, 19 chargen, 37 time, 49 tacacs, 53 domain, 88 kerberos, 111 sunrpc, 135 epmap,
161 snmp, 162 snmptrap, 389 ldap, 427 svrloc, 443 https, 445 microsoft-ds, 464 kpasswd, 623 asf-rmcp, 636 ldaps, 646
ldp, 853 domain-s, 1194 openvpn, 1812 radius, 1813 radius-acct, 2049 nfs, 3205 isns, 3478 stun, 3544 teredo, 4739
ipfix, 5060 sip, 5061 sips, 5349 stuns, 5355 llmnr, 10050 zabbix-agent, 10051 zabbix-trapper
"""
TCP = """
1 tcpmux, 11 systat, 20 ftp-data, 21 ftp, 22 ssh, 23 telnet, 25 smtp, 43 whois, 70 gopher, 79 finger, 80 http, 102
iso-tsap, 104 acr-nema, 110 pop3, 113 auth, 119 nntp, 139 netbios-ssn, 143 imap, 179 bgp, 199 smux, 465 submissions,
502 mbap, 512 exec, 513 login, 514 shell, 515 printer, 540 uucp, 543 klogin, 544 kshell, 548 afpovertcp, 554 rtsp, 563
nntps, 587 submission, 631 ipp, 639 msdp, 749 kerberos-adm, 860 iscsi, 873 rsync, 989 ftps-data, 990 ftps, 992
telnets, 993 imaps, 995 pop3s, 1080 socks, 1099 rmiregistry, 1352 lotusnote, 1433 ms-sql-s, 1720 h323hostcall, 1723
pptp, 1883 mqtt, 2000 cisco-sccp, 2379 etcd-client, 2380 etcd-server, 2404 iec-104, 3260 iscsi-target, 3268 msft-gc,
3269 msft-gc-ssl, 3306 mysql, 3389 ms-wbt-server, 3690 svn, 4190 sieve, 4369 epmd, 4840 opcua-tcp, 5222 xmpp-client,
5269 xmpp-server, 5432 postgresql, 5666 nrpe, 5671 amqps, 5672 amqp, 5900 rfb, 5985 wsman, 5986 wsmans, 6000 x11, 6379
redis, 6514 syslog-tls, 6667 ircu, 6697 ircs-u, 8080 http-alt, 8883 secure-mqtt, 9100 pdl-datastream, 9418 git, 11211
memcache, 20000 dnp, 27017 mongodb, 44818 EtherNet-IP-2
"""
UDP = """
67 bootps, 68 bootpc, 69 tftp, 123 ntp, 137 netbios-ns, 138 netbios-dgm, 177 xdmcp, 319 ptp-event, 320 ptp-general,
434 mobileip-agent, 500 isakmp, 512 biff, 513 who, 514 syslog, 517 talk, 518 ntalk, 520 router, 521 ripng, 546
dhcpv6-client, 547 dhcpv6-server, 554 rtsp, 1434 ms-sql-m, 1701 l2tp, 1900 ssdp, 1985 hsrp, 2123 gtp-control, 2152
gtp-user, 2222 EtherNet-IP-1, 3702 ws-discovery, 3784 bfd-control, 3785 bfd-echo, 4500 ipsec-nat-t, 4569 iax, 4789
vxlan, 5004 avt-profile-1, 5005 avt-profile-2, 5350 nat-pmp-status, 5351 nat-pmp, 5353 mdns, 5683 coap, 6081 geneve,
6343 sflow, 6696 babel, 27960 quake, 47808 bacnet
"""
SCTP = "1167 cisco-ipsla, 2904 m2ua, 2905 m3ua, 3868 diameter, 5672 amqp, 36412 s1-control, 38412 ng-control"

PROTOCOLS = {6: BOTH + "," + TCP, 17: BOTH + "," + UDP, 132: SCTP}


@functools.cache
def service_names(protocol: int) -> dict[int, str]:
    """Return port -> name for an IP protocol number; empty where ports have no names."""
    pairs = (entry.split() for entry in PROTOCOLS.get(protocol, "").split(",") if entry.strip())
    return {int(port): name for port, name in pairs}


@functools.cache
def service_ports(name: str) -> frozenset[tuple[int, int]]:
    """Return every (protocol, port) that goes by this name, given in lower case."""
    return frozenset((p, port) for p in PROTOCOLS for port, known in service_names(p).items() if known.lower() == name)


@functools.cache
def all_service_names() -> frozenset[str]:
    """Return every name of a service."""
    return frozenset(name for protocol in PROTOCOLS for name in service_names(protocol).values())
