"""Community ids of flows, version 1 with seed 0: the name by which intrusion detection systems know a flow too.

https://github.com/corelight/community-id-spec: SHA-1 over the ends in order, the protocol and the ports, in base64.
"""

from __future__ import annotations

import base64
import functools
import struct
from hashlib import sha1

from topics.address_text import IPV4_MAPPED

SEED = 0
VERSION = "1:"
ICMP, ICMPV6 = 1, 58
WITH_PORTS = frozenset({ICMP, 6, 17, ICMPV6, 132})
# Types of ICMP that answer each other; all others go one way and have their code in place of a port.
_ICMP_PAIRS = ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18))
_ICMPV6_PAIRS = ((128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145))
COUNTERPARTS = {
    protocol: dict(pairs) | {answer: question for question, answer in pairs}
    for protocol, pairs in ((ICMP, _ICMP_PAIRS), (ICMPV6, _ICMPV6_PAIRS))
}


# Questions under whose type records keep answers too, and where they go when nobody in particular is asked.
_ASKED = {133: b"\xff\x02" + bytes(13) + b"\2", 135: b"\xff\x02" + bytes(9) + b"\1\xff", 144: b""}


def flow_ids(
    source: bytes, destination: bytes, source_port: int, destination_port: int, protocol: int, answers: int
) -> list[str]:
    """Return the community ids that a flow record may have, the likelier first; `answers` are the packets sent back.

    Its source port is type and code of ICMP. Of neighbour discovery a record does not say whether it saw a question or
    an answer: what got no answer, and was not sent to all who may know, is one itself.
    """
    if protocol not in COUNTERPARTS:
        return [community_id(source, destination, source_port, destination_port, protocol)]
    kind, code = divmod(source_port, 256)
    ids = [community_id(source, destination, kind, code, protocol)]
    if protocol == ICMPV6 and kind in _ASKED and not answers:
        ids.append(community_id(source, destination, kind + 1, code, protocol))
        if not (_ASKED[kind] and destination.startswith(_ASKED[kind])):
            ids.reverse()
    return ids


@functools.lru_cache(65_536)
def community_id(source: bytes, destination: bytes, source_port: int, destination_port: int, protocol: int) -> str:
    """Return the community id of a flow, the same for both directions.

    Addresses are 16 bytes, IPv4 mapped; ports of ICMP are its type and its code.
    """
    one_way = False
    if protocol in COUNTERPARTS:
        counterpart = COUNTERPARTS[protocol].get(source_port)
        one_way = counterpart is None
        destination_port = destination_port if counterpart is None else counterpart
    ends = [(_packed(source), source_port), (_packed(destination), destination_port)]
    if protocol not in WITH_PORTS:
        ends = [(address, 0) for address, _ in ends]
    if not one_way:
        ends.sort()
    data = struct.pack("!H", SEED) + ends[0][0] + ends[1][0] + bytes([protocol, 0])
    if protocol in WITH_PORTS:
        data += struct.pack("!HH", ends[0][1], ends[1][1])
    return VERSION + base64.b64encode(sha1(data, usedforsecurity=False).digest()).decode()


def _packed(address: bytes) -> bytes:
    return address[12:] if address.startswith(IPV4_MAPPED) else address
