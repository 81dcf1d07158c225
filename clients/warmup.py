"""`argosy warmup`: compiles all kernels by sending some packets through every stage, and says how long each took."""

from __future__ import annotations

import functools
import importlib
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, help_text, parse
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics.batch import FlowBatch

USAGE = "argosy warmup"
SUMMARY = "Compiles everything that is compiled at first use, so that later starts are fast."
OPTIONS = (Option("-h --help", "", "this text"),)

ETHERNET = 1
PCAP_MAGIC, PCAPNG_BYTE_ORDER = 0xA1B2C3D4, 0x1A2B3C4D
CONVERSATIONS = 5_000  # more than any table has room for at first: growing is compiled too
FEW_FLOWS = 4  # a table that small has to give flows up
LABEL = b"a=b"
HEAD = bytes.fromhex(
    "020000000002"
    "020000000001"
    "0800"  # from one station to the other: IPv4
    "4500001e000100004011"
    "0000"
    "c0000201"
    "c0000202"  # UDP between documentation addresses (RFC 5737)
)
UDP = struct.Struct(">HHHHH")


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse(OPTIONS, arguments)
    if parsed.count("-h"):
        print(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"no argument is taken: '{parsed.expression}'")
    begin = time.perf_counter()
    for name, compile_stage in STAGES.items():
        start = time.perf_counter()
        compile_stage()
        print(f"{name:<28} {time.perf_counter() - start:6.1f} s", flush=True)
    print(f"{'all':<28} {time.perf_counter() - begin:6.1f} s")
    return 0


def _module(name: str) -> Callable[[], None]:
    def compile_stage() -> None:
        importlib.import_module(name).warm_up()

    return compile_stage


def _frame(number: int) -> bytes:
    return HEAD + UDP.pack(1 + number, 53, UDP.size, 0, 0)


def sample() -> bytes:
    """Return a capture file: one datagram each of many conversations, all to the port of DNS."""
    head = struct.pack("<IHHiIII", PCAP_MAGIC, 2, 4, 0, 0, 0xFFFF, ETHERNET)
    frames = [_frame(number) for number in range(CONVERSATIONS)]
    return head + b"".join(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame for frame in frames)


def _pcapng() -> bytes:
    section = struct.pack("<IHHq", PCAPNG_BYTE_ORDER, 1, 0, -1)
    interface = struct.pack("<HHI", ETHERNET, 0, 0xFFFF)
    frame = _frame(0)
    packet = struct.pack("<IIIII", 0, 0, 1_000_000, len(frame), len(frame)) + frame
    return b"".join(_block(kind, body) for kind, body in ((0x0A0D0D0A, section), (1, interface), (6, packet)))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


@functools.cache
def _records(content: bytes, max_flows: int) -> list[FlowBatch]:
    """Return what the probe makes of a capture."""
    from probes.captures import CaptureSource
    from probes.flows.probe import ProbeSettings
    from probes.sensor import Sensor, flow_batches

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "capture")
        path.write_bytes(content)
        return list(flow_batches(CaptureSource([str(path)]), Sensor(ProbeSettings(max_flows=max_flows))))


def _probe() -> None:
    """Read both kinds of capture files, with a table that grows and one that overflows."""
    for content, max_flows in ((sample(), 1 << 20), (_pcapng(), 1 << 20), (sample(), FEW_FLOWS)):
        _records(content, max_flows)
    from probes.flows.probe import FlowProbe

    list(FlowProbe().advance(1))


def _payloads() -> None:
    """Pick the payloads out of a capture, and send them to and fro."""
    from probes.captures import CaptureSource
    from probes.control.plane import ControlPlane
    from probes.flows.probe import ProbeSettings
    from topics.control import decode_control, encode_control

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "capture")
        path.write_bytes(sample())
        plane = ControlPlane(ProbeSettings())
        for block in CaptureSource([str(path)]):
            for batch in plane.take(block):
                decode_control(encode_control(batch))


def _messages() -> None:
    """Read the payloads of a capture as messages of DNS."""
    from clients.control_plane import transactions
    from topics.dns import decode_dns, encode_dns

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "capture")
        path.write_bytes(sample())
        for batch in transactions(str(path)):
            decode_dns(encode_dns(batch))


def _labelled() -> FlowBatch:
    import numpy as np

    from topics.batch import concatenate

    batch = concatenate(batch for batch in _records(sample(), 1 << 20) if len(batch))
    batch.records["labels_length"] = len(LABEL)
    return batch.replace(heap=np.frombuffer(LABEL, np.uint8))


def _merge() -> None:
    """Merge a stream, then read it again as after a restart."""
    from processors.merge import FlowMerge

    batch, merge, again = _labelled(), FlowMerge(), FlowMerge()
    for flows in [*merge.process(batch), *merge.flush()]:
        again.recovered(flows, flows.last_positions)
    again.process(batch)


def _aggregation() -> None:
    from processors.merge import Aggregation

    batch = _labelled()
    for keys, rmon in (((), False), (("saddr", "daddr", "proto"), False), (("saddr",), True)):
        aggregation = Aggregation(keys, rmon=rmon)
        aggregation.add(batch)
        aggregation.finish()


STAGES: dict[str, Callable[[], None]] = {
    "packets to records": _probe,
    "control-plane payloads": _payloads,
    "payloads to DNS": _messages,
    "packets of interfaces": _module("probes.live.walk"),
    "packet filters": _module("probes.packet_filter.interpreter"),
    "records to bytes and back": _module("topics.codec"),
    "partitions": _module("topics.partitions"),
    "records to flows": _merge,
    "records by key": _aggregation,
    "observations": _module("processors.observers.match"),
}
