"""Payloads of the small services of a network: DHCP (RFC 2131), NTP (RFC 5905), HTTP, multicast DNS (RFC 6762)."""

import struct
from random import Random

from tests.traffic.checksum import packed
from tests.traffic.dns import (
    AUTHORITATIVE,
    RECORD_PTR,
    RESPONSE,
    Record,
    address_record,
    dns_message,
    encoded_name,
    question,
)
from tests.traffic.packets import mac_bytes

DISCOVER, OFFER, REQUEST, ACKNOWLEDGE = 1, 2, 3, 5
BETWEEN_1900_AND_1970 = 2_208_988_800


def dhcp(kind: int, transaction: int, mac: str, *, yours: str | None = None, options: bytes = b"") -> bytes:
    """A DHCP message to or from the client with `mac`, which has no address yet; `yours` is the one it gets."""
    operation = 2 if kind in (OFFER, ACKNOWLEDGE) else 1
    fixed = struct.pack(">BBBBIHH", operation, 1, 6, 0, transaction, 0, 0)
    addresses = bytes(4) + (packed(yours) if yours else bytes(4)) + bytes(8) + mac_bytes(mac).ljust(16, b"\0")
    magic = b"\x63\x82\x53\x63"
    return (fixed + addresses + bytes(192) + magic + bytes((53, 1, kind)) + options + b"\xff").ljust(300, b"\0")


def lease_options(server: str, router: str, resolver: str) -> bytes:
    """What a server hands out: itself, an hour, mask, router, resolver."""
    pairs = ((54, packed(server)), (51, struct.pack(">I", 3600)), (1, packed("255.255.255.0")))
    return b"".join(bytes((code, 4)) + value for code, value in (*pairs, (3, packed(router)), (6, packed(resolver))))


def ntp_time(time_ns: int) -> bytes:
    """The 64-bit format: seconds since 1900 and a binary fraction."""
    seconds, fraction = divmod(time_ns, 10**9)
    return struct.pack(">II", (seconds + BETWEEN_1900_AND_1970) % 2**32, (fraction << 32) // 10**9)


def ntp_request(time_ns: int) -> bytes:
    """A version 4 client's question."""
    return bytes((0x23, 0, 6, 0xEC)) + bytes(36) + ntp_time(time_ns)


def ntp_response(request: bytes, time_ns: int) -> bytes:
    """A stratum 2 server's answer."""
    fixed = struct.pack(">BBBbII", 0x24, 2, 6, -23, 0x0120, 0x0340) + packed("192.0.2.123")
    return fixed + ntp_time(time_ns - 40 * 10**9) + request[40:48] + ntp_time(time_ns) + ntp_time(time_ns + 30_000)


def http_request(host: str, path: str, agent: str = "Mozilla/5.0 (X11; Linux x86_64)") -> bytes:
    """A GET."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n\r\n".encode()


def http_response(status: str, body: bytes, content_type: str = "text/html") -> bytes:
    """An answer with its length."""
    header = f"HTTP/1.1 {status}\r\nServer: web\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return header.encode() + body


def page(length: int, random: Random) -> bytes:
    """HTML of about `length` bytes."""
    words = ("flow", "record", "packet", "office", "report", "quarter", "meeting", "plan", "budget", "network")
    text = " ".join(random.choice(words) for _ in range(length // 7))
    return f"<!doctype html><title>Notes</title><p>{text}</p>\n".encode()


def service_question(service: str) -> bytes:
    """Who offers `service` here?"""
    return dns_message(0, 0, [question(service, RECORD_PTR)])


def service_answer(service: str, instance: str, host: str, address: str) -> bytes:
    """`instance` does, on `host` with `address`."""
    pointer: Record = (service, RECORD_PTR, 4500, encoded_name(f"{instance}.{service}"))
    return dns_message(0, RESPONSE | AUTHORITATIVE, [], [pointer, address_record(host, address, 120)])
