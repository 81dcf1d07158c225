"""`argosy warmup`: compiles all kernels by sending some packets through every stage, and says how long each took."""

from __future__ import annotations

import importlib
import os
import struct
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from clients.options import Option, parse_or_help
from topics.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from topics.batch import FlowBatch

USAGE = "argosy warmup"
SUMMARY = "Compiles everything that is compiled at first use, so that later starts are fast."
OPTIONS = (Option("-h --help", "", "this text"),)

ETHERNET = 1
PCAP_MAGIC, PCAPNG_BYTE_ORDER = 0xA1B2C3D4, 0x1A2B3C4D
CONVERSATIONS = 5_000  # more than any table has room for at first: growing is compiled too
FEW_FLOWS = 4  # a table that small has to give flows up
LABEL = b"a=b"
IPV4, UDP_PROTOCOL, DNS_PORT = 0x0800, 17, 53
PROCESSES = 2  # that many stages take long
HOUR = 3_600_000_000_000  # ns
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
QUERY = bytes.fromhex("0000010000010000000000000000010001")  # for the address of the root


def run(arguments: list[str]) -> int:
    """Run the command."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    if parsed.rest:
        raise UsageError(f"no argument is taken: '{parsed.expression}'")
    begin = time.perf_counter()
    for name, seconds in compiled(STAGES):
        print(f"{name:<28} {seconds:6.1f} s", flush=True)
    print(f"{'all':<28} {time.perf_counter() - begin:6.1f} s")
    return 0


def compiled(stages: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Compile stages, several at a time where there are processors for it; yield each with its seconds."""
    with ProcessPoolExecutor(min(PROCESSES, os.cpu_count() or 1), get_context("spawn")) as pool:
        running = {pool.submit(_timed, name): name for name in stages}
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


def _timed(name: str) -> float:
    start = time.perf_counter()
    STAGES[name]()
    return time.perf_counter() - start


def _module(name: str) -> Callable[[], None]:
    def compile_stage() -> None:
        importlib.import_module(name).warm_up()

    return compile_stage


def _frame(number: int) -> bytes:
    return HEAD + UDP.pack(1 + number, DNS_PORT, UDP.size, 0, 0)


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


def _observe(content: bytes, max_flows: int) -> None:
    from probes.captures import CaptureSource
    from probes.flows.probe import ProbeSettings
    from probes.sensor import Sensor, flow_batches

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "capture")
        path.write_bytes(content)
        for _ in flow_batches(CaptureSource([str(path)]), Sensor(ProbeSettings(max_flows=max_flows))):
            pass


def _probe() -> None:
    """Read both kinds of capture files, with a table that grows and one that overflows."""
    for content, max_flows in ((sample(), 1 << 20), (_pcapng(), 1 << 20), (sample(), FEW_FLOWS)):
        _observe(content, max_flows)
    from probes.flows.probe import FlowProbe

    list(FlowProbe().advance(1))
    from processors.spans import SpanWatch

    SpanWatch().process(_flows())
    _payloads()  # in the same process, which has what their kernel shares with those of flows


def _payloads() -> None:
    """Pick the payloads out of a capture, and send them to and fro."""
    from probes.captures import CaptureSource
    from probes.control.plane import ControlPlane
    from probes.flows.probe import ProbeSettings
    from probes.sensor import Sensor
    from topics.control import decode_control, encode_control

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "capture")
        path.write_bytes(sample())
        plane = ControlPlane(ProbeSettings())
        sensor = Sensor(plane.settings, protocols=plane.protocols)
        for block in CaptureSource([str(path)]):
            list(sensor.take(block))
            for batch in plane.take(block, sensor.marks(block)):
                decode_control(encode_control(batch))


def _messages() -> None:
    """Read a payload as a message of DNS."""
    import numpy as np

    from processors.dns import DnsTransactions
    from topics.control import CONTROL_DTYPE, ControlBatch
    from topics.dns import decode_dns, encode_dns

    found, records = DnsTransactions(), np.zeros(1, CONTROL_DTYPE)
    records["payload_length"] = records["wire_length"] = len(QUERY)
    records["protocol"], records["dst_port"] = UDP_PROTOCOL, DNS_PORT
    payloads = ControlBatch(records, np.array(bytearray(QUERY), np.uint8), probe="warmup", kinds=("dns",))
    for batch in (found.process(payloads), *found.flush()):
        decode_dns(encode_dns(batch))


def _flows() -> FlowBatch:
    """Return status records of many flows, each with a label."""
    import numpy as np

    from topics.batch import FlowBatch, Observer, records_like

    records, observer = records_like(CONVERSATIONS), Observer("", "warmup", "")
    records["flow_id"].view("<u4")[:, 0] = records["src_port"] = np.arange(CONVERSATIONS)
    records["ethertype"], records["protocol"], records["observer"] = IPV4, UDP_PROTOCOL, observer.id
    records["flow_start"] = records["src_first"] = records["src_last"] = records["src_packets"] = 1
    records["labels_length"] = len(LABEL)
    heap = np.array(bytearray(LABEL), np.uint8)
    return FlowBatch(records, heap, probe=observer.probe, observers={observer.id: observer})


def _merge() -> None:
    """Merge a stream, then read it again as after a restart; make columns of it."""
    from processors.merge import FlowMerge
    from topics.frame import to_arrow

    batch, merge, again = _flows(), FlowMerge(), FlowMerge()
    for flows in [*merge.process(batch), *merge.flush()]:
        again.recovered(flows, flows.last_positions)
    again.process(batch)
    to_arrow(batch)


def _labels() -> None:
    """Label flows, with names to look for in a table that forgets some; walk through a database without nodes."""
    import numpy as np

    from processors.labels import Labeller, NoLists
    from processors.labels.geography_kernel import walk
    from processors.names import NameTable
    from topics.names import AddressName

    tree = np.zeros(1, np.uint8)
    tree.flags.writeable = False
    walk(tree, 24, 0, True, np.zeros((1, 16), np.uint8), np.zeros(1, np.int64))  # noqa: FBT003 - as kernels are called
    batch, table = _flows(), NameTable(most=1)
    for number in (b"\1", b"\2"):
        table.add(AddressName(bytes(16), "", "dns", 0, 0, 0, client=bytes(15) + number))
    batch.records["labels_length"] = 0
    Labeller(NoLists(), table).process(batch)


def _aggregation() -> None:
    from processors.merge import Aggregation

    batch = _flows()
    for keys, rmon in (((), False), (("saddr", "daddr", "proto"), False), (("saddr",), True)):
        aggregation = Aggregation(keys, rmon=rmon)
        aggregation.add(batch)
        aggregation.finish()
    _columns(batch)


def _columns(batch: FlowBatch) -> None:
    from processors.bins import bin_size
    from processors.bins.columns import ColumnSeries
    from processors.merge.column_table import ColumnTable
    from topics.frame import to_arrow

    ColumnTable(1, 1).grow(2)
    batch.records["labels_length"] = 0
    batch.records["src_last"] = batch.records["src_first"] + HOUR  # over the edge of a bin
    data = to_arrow(batch)
    for keys, size in (((), None), (("proto",), bin_size("1m"))):
        list(ColumnSeries(lambda _: [data], keys, data.schema.names, size=size).merged() or ())


def _arrow() -> None:
    """Write records to an Arrow file, of which the second batch is packed by a kernel, and put a column into order."""
    import pyarrow as pa

    from processors.sorting import Reordering
    from sinks.formats import open_writer

    list(Reordering(pa.array([1, 0], pa.uint32())).parts([pa.array([1, 2])]))
    with tempfile.TemporaryDirectory() as directory, open_writer(str(Path(directory, "x.arrow"))) as writer:
        for _ in range(2):
            writer.write(_flows())


def _argus() -> None:
    from topics.argus import decoder, encoder

    decoder.warm_up()
    encoder.warm_up()


def _rows() -> None:
    """Write records as lines, of columns of every width."""
    from clients.listing.rows import Rows
    from clients.reading.sources import to_frame
    from topics.fields import Style, field

    style = Style()
    columns = [field(name) for name in ("stime", "bytes", "proto", "saddr", "sport", "smac", "label")]
    cells = [column.text(style).fill_null("") for column in columns]
    for _ in Rows(columns, style, ",", cells).blocks(to_frame(_flows())):
        pass


def _numbered() -> None:
    """Merge records by numbers, as they are listed."""
    import polars as pl

    from clients.reading.sources import to_frame
    from processors.merge.numbered import numbered

    records = to_frame(_flows())
    numbered(records.lazy(), [pl.col("src_address")], ["src_packets"], lambda asked: iter([records.select(asked)]))


STAGES: dict[str, Callable[[], None]] = {
    "packets to records": _probe,
    "records to flows": _merge,
    "payloads to DNS": _messages,
    "records by key": _aggregation,
    "records by numbers": _numbered,
    "packets of interfaces": _module("probes.live.walk"),
    "packet filters": _module("probes.packet_filter.interpreter"),
    "records of exporters": _module("probes.exporters.warm"),
    "records to bytes and back": _module("topics.codec"),
    "partitions": _module("topics.partitions"),
    "records of Argus": _argus,
    "records to Arrow files": _arrow,
    "labels": _labels,
    "observations": _module("processors.observers.match"),
    "sums of columns": _module("processors.summaries.warm"),
    "rows of text": _rows,
    "rows of PostgreSQL": _module("sinks.sql.copying"),
}
OF_A_RUN = ("packets to records", "records to flows", "payloads to DNS", "labels")  # all that `argosy run` needs
