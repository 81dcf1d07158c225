"""A handful of flow records for the clients to read."""

from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from sinks.formats import open_writer
from topics.batch import FlowBatch, Observer, concatenate, records_like
from topics.flags import TcpState

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
TAP = Observer("lab", "tap", "eth0")


def record(number: int, protocol: int = 6, port: int = 80, sequence: int = 0) -> FlowBatch:
    """One record: of host 10.0.0.`number`, one second long, beginning `number` seconds into the run."""
    records = records_like(1)
    source, target = int(IPv4Address("10.0.0.0")) + number, int(IPv4Address("192.0.2.1"))
    for side, address in (("src", source), ("dst", target)):
        records[f"{side}_address"][0] = list(bytes(10) + b"\xff\xff" + address.to_bytes(4, "big"))
        records[f"{side}_packets"] = 2
        records[f"{side}_bytes"] = 120 * number
    for name, value in {
        "flow_id": number,
        "observer": TAP.id,
        "ethertype": 0x0800,
        "protocol": protocol,
        "src_port": 40_000 + number,
        "dst_port": port,
        "status_sequence": sequence,
        "flow_start": START,
        "src_first": START + (number + sequence) * SECOND,
        "dst_first": START + (number + sequence) * SECOND,
        "src_last": START + (number + sequence + 1) * SECOND,
        "dst_last": START + (number + sequence + 1) * SECOND,
        "duration_sum": SECOND,
        "duration_min": SECOND,
        "duration_max": SECOND,
        "duration_square_sum": 1e12,
        "tcp_state": TcpState.SYN | TcpState.SYN_ACK | TcpState.ESTABLISHED if protocol == 6 else 0,
    }.items():
        records[name] = value
    return FlowBatch(
        records=records,
        heap=np.zeros(0, np.uint8),
        site=TAP.site,
        probe=TAP.probe,
        observers={TAP.id: TAP},
    )


def ten() -> FlowBatch:
    """Ten records of nine flows: TCP to port 80 but for three of UDP to port 53; the last continues the first."""
    first = [record(number, *((17, 53) if number % 3 == 0 else (6, 80))) for number in range(1, 10)]
    return concatenate([*first, record(1, sequence=1)])


def write(path: Path, batch: FlowBatch) -> str:
    """Write a file of records, and return its name."""
    with open_writer(str(path)) as writer:
        writer.write(batch)
    return str(path)
