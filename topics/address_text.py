"""Addresses for people: 16 bytes as text (RFC 5952; MACs with colons)."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop

IP_ETHERTYPES = (0x0800, 0x86DD, 0x0806)  # ARP names IPv4 addresses
IPV4_MAPPED = bytes(10) + b"\xff\xff"


def ip_text(address: bytes) -> str:
    """Return 16 bytes as IPv6, or as plain IPv4 where they are an IPv4-mapped address."""
    if address.startswith(IPV4_MAPPED):
        return inet_ntop(AF_INET, address[12:])
    return inet_ntop(AF_INET6, address)


def mac_text(address: bytes) -> str:
    """Return the last 6 bytes as a MAC address."""
    return address[-6:].hex(":")


def class_network_text(address: bytes) -> str:
    """Return the network of an IPv4 address by its class; an IPv6 address, which has none, as it is."""
    if not address.startswith(IPV4_MAPPED):
        return ip_text(address)
    octets = 1 if address[12] < 128 else 2 if address[12] < 192 else 3 if address[12] < 224 else 4
    return inet_ntop(AF_INET, address[12 : 12 + octets] + bytes(4 - octets))
