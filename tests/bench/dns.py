"""How fast payloads of DNS become transactions, and these become names: queries and answers of many clients."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from processors.dns import DnsTransactions
from processors.names import DnsNames
from tests.traffic.checksum import packed
from tests.traffic.dns import address_record, alias_record, dns_answer, dns_query
from topics.control import CONTROL_DTYPE, ControlBatch, decode_control, encode_control
from topics.dns import encode_dns

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSACTIONS = 200_000
AT_ONCE = 4096
START = 1_700_000_000_000_000_000
SERVER = packed("192.0.2.53")


@dataclass(frozen=True, slots=True)
class DnsCost:
    """Messages per CPU second: bytes of the bus to transactions, the same to bytes for the bus, and to names too."""

    transactions: float
    encoded: float
    named: float


def payloads() -> list[ControlBatch]:
    """Return queries and answers: a CNAME and two addresses each, a tenth to be sent again, a tenth without answer."""
    return list(_batches())


def _batches() -> Iterator[ControlBatch]:
    ends = np.zeros(2, CONTROL_DTYPE)
    for begin in range(0, TRANSACTIONS, AT_ONCE):
        rows, parts, used = [], [], 0
        for number in range(begin, min(begin + AT_ONCE, TRANSACTIONS)):
            name = f"host{number % 5000}.example.com"
            query = dns_query(number % 65536, name)
            answers = [
                alias_record(name, f"edge{number % 97}.cdn.example.net"),
                *(
                    address_record(f"edge{number % 97}.cdn.example.net", f"198.51.100.{number % 200 + each}")
                    for each in (0, 1)
                ),
            ]
            messages = [query] * (1 + (number % 10 == 0))
            messages += [dns_answer(number % 65536, name, 1, answers)] if number % 10 != 1 else []
            for message in messages:
                record = ends[0].copy()
                client, asked = packed(f"10.0.{number % 200}.{number % 250}"), message is query
                record["time"] = START + number * 10_000
                record["src_address"], record["dst_address"] = (
                    (np.frombuffer(each.rjust(16, b"\0"), np.uint8))
                    for each in ((client, SERVER) if asked else (SERVER, client))
                )
                record["src_port"], record["dst_port"] = (40000, 53) if asked else (53, 40000)
                record["protocol"], record["ethertype"] = 17, 0x0800
                record["payload_offset"], record["payload_length"] = used, len(message)
                record["wire_length"] = len(message)
                rows.append(record)
                parts.append(message)
                used += len(message)
        yield ControlBatch(np.array(rows, CONTROL_DTYPE), np.frombuffer(b"".join(parts), np.uint8), kinds=("dns",))


def measure(rounds: int = 3) -> DnsCost:
    """Return the best of some rounds."""
    batches = payloads()
    messages, values = sum(map(len, batches)), [encode_control(batch) for batch in batches]
    best = [float("inf")] * 3
    for _ in range(rounds + 1):
        costs = _round(values)
        best = [min(pair) for pair in zip(best, costs, strict=True)]
    return DnsCost(*(messages / cost for cost in best))


def _round(values: list[bytes]) -> tuple[float, float, float]:
    transactions, names, begun = DnsTransactions(), DnsNames(), time.process_time()
    found = [transactions.process(decode_control(value)) for value in values]
    made = time.process_time()
    for batch in found:
        encode_dns(batch)
    encoded = time.process_time()
    for batch in found:
        names.process(batch)
    return made - begun, encoded - begun, time.process_time() - begun
