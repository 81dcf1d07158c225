"""The Internet checksum (RFC 1071) and the pseudo-headers it is taken over."""

from ipaddress import IPv4Address, IPv6Address, ip_address


def checksum(data: bytes) -> int:
    """Ones' complement of the ones' complement sum of 16-bit words; an odd last byte is padded with zero."""
    padded = data + b"\0" * (len(data) % 2)
    # 2**16 is 1 modulo 0xFFFF, so a big integer modulo 0xFFFF is the folded sum of its 16-bit digits.
    value = int.from_bytes(padded, "big")
    folded = value % 0xFFFF
    return 0xFFFF - (0xFFFF if folded == 0 and value else folded)


def pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    """What TCP, UDP and ICMPv6 checksums cover besides the segment (RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    addresses = packed(source) + packed(destination)
    if len(addresses) == 8:
        return addresses + bytes((0, protocol)) + length.to_bytes(2, "big")
    return addresses + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))


def packed(address: str) -> bytes:
    """4 or 16 bytes of an address in text; ValueError when it is none."""
    parsed: IPv4Address | IPv6Address = ip_address(address)
    return parsed.packed


def with_checksum(segment: bytes, offset: int, prefix: bytes = b"") -> bytes:
    """`segment` with the checksum of `prefix + segment` written at `offset`, where it must hold zeros."""
    value = checksum(prefix + segment)
    return segment[:offset] + value.to_bytes(2, "big") + segment[offset + 2 :]
