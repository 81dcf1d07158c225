"""A target whose input is a message of DNS: a byte that chooses its port and direction, then the message."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from clients.names.radns import described
from processors.dns import DnsTransactions
from tests.control_payloads import CLIENT, SERVER, Payload, control_batch
from tests.fuzz.target import Target
from tests.traffic.dns import (
    address_record,
    alias_record,
    authority_record,
    dns_answer,
    dns_query,
    over_tcp,
    text_record,
)
from topics.dns import decode_dns, encode_dns

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from random import Random

    from topics.control import ControlBatch

PORTS = (53, 5353, 5355, 137)
TOLD = ("type", "result", "malformed", "state")
MOST_TEXT = 17  # bytes of names to each byte of a message


class Dns(Target):
    """Messages through the whole extraction, by themselves and with others behind them in memory."""

    name = "dns"

    def seeds(self) -> dict[str, bytes]:
        """Return queries and answers of all kinds."""
        answers = [
            alias_record("www.example.com", "edge.example.net", 60),
            address_record("edge.example.net", "::1", 9),
        ]
        plain = dns_answer(7, "www.example.com", answers=answers, authorities=[authority_record("example.com")])
        text = dns_answer(8, "text.example", answers=[text_record("text.example", "words", 5)])
        edns = struct.pack(">HHHHHH", 3, 0x0100, 1, 0, 0, 1) + dns_query(3, "e.example")[12:]
        edns += b"\0" + struct.pack(">HHBBHHHH", 41, 1232, 0, 0, 0x8000, 8, 10, 4) + b"1234"
        chain = plain[:12] + b"\x01a\xc0\x0c" * 20
        named = {"query": dns_query(7, "www.example.com"), "answer": plain, "text": text, "edns": edns, "chain": chain}
        found = {name: b"\0" + message for name, message in named.items()}
        return found | {
            "multicast": b"\x01" + plain,
            "netbios": b"\x03" + dns_query(9, "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "stream": b"\x10" + over_tcp(plain) + over_tcp(text),
        }

    def run(self, inputs: Sequence[bytes], random: Random) -> Sequence[Hashable]:
        """Extract each alone; then with other bytes behind it, which must change nothing."""
        return [self._extracted(each, random) for each in inputs]

    def _extracted(self, data: bytes, random: Random) -> Hashable:
        chosen, message = (data[0] if data else 0), data[1:]
        stream = int(bool(chosen & 0x10))
        payload = Payload(0, SERVER, PORTS[chosen & 3], CLIENT, 40000, message, stream)
        batch = control_batch([payload])
        behind = np.frombuffer(random.randbytes(64), np.uint8)
        found = self._transactions(batch)
        assert found == self._transactions(batch.replace(heap=np.concatenate([batch.heap, behind])))
        names = sum(len(each["name"]) for one in found for each in one.get("answer", ()))
        assert names <= MOST_TEXT * max(len(message), 12)
        return tuple(str([one.get(name) for name in TOLD]) for one in found[:3])

    def _transactions(self, batch: ControlBatch) -> list[dict[str, Any]]:
        extraction = DnsTransactions()
        made = [extraction.process(batch), *extraction.flush()]
        return [one for each in made for one in described(decode_dns(encode_dns(each)))]
