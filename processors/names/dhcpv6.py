"""What a message of DHCPv6 (RFC 8415) says of a client: who it is, its name, and the addresses it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SOLICIT, REQUEST, RENEW, REBIND, REPLY, RELEASE = 1, 3, 5, 6, 7, 8
RELAYED = (12, 13)
CLIENT_ID, IA_NA, IA_TA, IA_ADDRESS, RELAY_MESSAGE, FQDN = 1, 3, 4, 5, 9, 39
HEAD, RELAY_HEAD = 4, 34
IA_HEADS = {IA_NA: 12, IA_TA: 4}  # bytes before the options of an identity association
ADDRESS_OPTION = 24
MOST_RELAYS = 8  # HOP_COUNT_LIMIT of RFC 8415 7.6
ETHERNET = b"\x00\x01"
LLT, LL = b"\x00\x01", b"\x00\x03"  # kinds of client ids that hold a MAC (RFC 8415 11)


class Message(NamedTuple):
    """A message; `client` is the same in question and answer, addresses (16 bytes) have the seconds they are valid."""

    kind: int
    client: bytes
    mac: bytes
    name: bytes
    addresses: list[tuple[bytes, int]]


def parse(payload: bytes) -> Message | None:
    """Return what a payload says, also through relays; None when it is cut short or says nothing of a client."""
    for _ in range(MOST_RELAYS):
        if payload[:1] and payload[0] not in RELAYED:
            break
        payload = next((value for code, value in _options(payload[RELAY_HEAD:]) if code == RELAY_MESSAGE), b"")
    if len(payload) < HEAD or payload[0] in RELAYED:
        return None
    identity, name, addresses = b"", b"", []
    for code, value in _options(payload[HEAD:]):
        if code == CLIENT_ID:
            identity = value
        elif code == FQDN and len(value) > 1:
            name = value[1:]
        elif code in IA_HEADS:
            for inner, held in _options(value[IA_HEADS[code] :]):
                if inner == IA_ADDRESS and len(held) >= ADDRESS_OPTION:
                    addresses.append((held[:16], int.from_bytes(held[20:24])))
    return Message(payload[0], payload[1:HEAD] + identity, _mac(identity), name, addresses) if identity else None


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the options that are there in full."""
    at = 0
    while at + 4 <= len(data):
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4])
        if end > len(data):
            return
        yield int.from_bytes(data[at : at + 2]), data[at + 4 : end]
        at = end


def _mac(identity: bytes) -> bytes:
    if identity[2:4] != ETHERNET or identity[:2] not in (LLT, LL):
        return b""
    mac = identity[8:] if identity[:2] == LLT else identity[4:]
    return mac if len(mac) == 6 else b""
