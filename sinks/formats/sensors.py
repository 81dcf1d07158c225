"""What logs of Zeek and Suricata have in common: lines of JSON to frames, addresses, ports of ICMP, community ids."""

from __future__ import annotations

import json
from functools import partial
from hashlib import blake2b
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from sinks.formats.names import reason
from topics.address_text import IPV4_MAPPED
from topics.batch import FlowBatch, Observer, records_like
from topics.community_id import COUNTERPARTS, flow_ids
from topics.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics.batch import Heap, Records

LINES = 8192  # at a time
LONGEST = 1 << 20  # bytes of a line
IPV4, IPV6 = 0x0800, 0x86DD
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "ipv6-icmp": 58, "sctp": 132, "gre": 47, "esp": 50}
NAMES = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp", 132: "sctp"}
ETHERNET, VLAN = 0x2, 0x4  # of topics.flags.Encapsulation
LINK_HEADER, TAG = 14, 4  # bytes


def frames(path: str, schema: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """Yield the lines of a file as frames with the columns of a schema, those that a line lacks null.

    Raises InputError naming the line that is no JSON object, or too long.
    """
    try:
        with Path(path).open("rb") as file:
            first = 1
            while lines := list(islice(iter(partial(file.readline, LONGEST + 1), b""), LINES)):
                yield _frame(path, first, lines, schema)
                first += len(lines)
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}") from None


def _frame(path: str, first: int, lines: list[bytes], schema: dict[str, Any]) -> pl.DataFrame:
    kept = [line for line in lines if line.strip()]
    try:
        return pl.read_ndjson(b"".join(kept), schema=schema) if kept else pl.DataFrame(schema=schema)
    except (pl.exceptions.PolarsError, ValueError):
        for number, line in enumerate(lines, first):
            if line.strip() and not _is_object(line):
                raise InputError(f"{path}: line {number} is no JSON object") from None
        raise InputError(f"{path}: lines {first} to {first + len(lines) - 1} are not what such a log has") from None


def _is_object(line: bytes) -> bool:
    try:
        return len(line) <= LONGEST and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def put_ends(frame: pl.DataFrame, names: tuple[str, str], records: Records) -> np.ndarray[Any, Any]:
    """Put the addresses of text columns into records; return which rows have both."""
    known = np.ones(len(frame), bool)
    for side, name in zip(("src", "dst"), names, strict=True):
        texts, which = np.unique(frame[name].fill_null("").to_numpy(), return_inverse=True)
        packed = [_packed(str(text)) for text in texts]
        table = np.frombuffer(b"".join(each or bytes(16) for each in packed), np.uint8).reshape(-1, 16)
        records[f"{side}_address"] = table[which]
        known &= np.array([each is not None for each in packed], bool)[which]
    mapped = (records["src_address"][:, :12] == np.frombuffer(IPV4_MAPPED, np.uint8)).all(axis=1)
    records["ethertype"] = np.where(mapped, IPV4, IPV6)
    return known


def _packed(text: str) -> bytes | None:
    try:
        found = ip_address(text.partition("%")[0]).packed
    except ValueError:
        return None
    return found if len(found) == 16 else IPV4_MAPPED + found


def put_times(records: Records, first: np.ndarray[Any, Any], last: np.ndarray[Any, Any]) -> None:
    """Put the beginning and end (ns) of conversations into records that have their packets."""
    answered = records["dst_packets"] > 0
    records["flow_start"] = records["src_first"] = first
    records["src_last"] = np.maximum(first, last)
    records["dst_first"] = np.where(answered, first, 0)
    records["dst_last"] = np.where(answered, records["src_last"], 0)
    duration = records["src_last"] - first
    for name in ("sum", "min", "max"):
        records[f"duration_{name}"] = duration
    records["duration_square_sum"] = (duration / 1_000.0) ** 2


def batch_of(records: Records, heap: Heap, keys: list[str], probe: str) -> FlowBatch:
    """Return records that came from a log as a batch of `probe`; their ids are made of the keys that the log has."""
    observer = Observer("", probe, "")
    records["observer"] = observer.id
    ids = b"".join(blake2b(key.encode(), digest_size=16).digest() for key in keys)
    records["flow_id"] = np.frombuffer(ids, np.uint8).reshape(-1, 16)
    return FlowBatch(records, heap, probe=probe, observers={observer.id: observer})


def empty(count: int) -> Records:
    """Return records of flows that are over."""
    records = records_like(count)
    records["cause"] = 2
    return records


def put_labels(records: Records, key: str, values: pl.Series) -> Heap:
    """Label records with `key=value` where there is a value; return the heap that the labels lie in."""
    texts, which = np.unique(values.fill_null("").to_numpy(), return_inverse=True)
    labels = [f"{key}={_escaped(str(text))}".encode() if text else b"" for text in texts]
    lengths = np.array([len(label) for label in labels], np.uint32)
    begins = np.cumsum(lengths, dtype=np.uint32) - lengths
    records["labels_offset"], records["labels_length"] = begins[which], lengths[which]
    return np.frombuffer(b"".join(labels), np.uint8)


def _escaped(text: str) -> str:
    return "".join(f"\\{ord(each):03d}" if each in ":,=" or ord(each) < 32 else each for each in text)


def with_ports(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of IP flows alone, with ports as such logs have them: of ICMP, type and code, or the answer's."""
    flows = frame.filter(pl.col("ethertype").is_in([IPV4, IPV6]))
    icmp = pl.col("protocol").is_in(list(COUNTERPARTS))
    return flows.with_columns(
        shown_source=pl.when(icmp).then(pl.col("src_port") // 256).otherwise(pl.col("src_port")),
        shown_target=pl.when(icmp).then(pl.col("src_port") % 256).otherwise(pl.col("dst_port")),
        community_id=pl.Series(
            [flow_ids(*row)[0] for row in flows.select(*_KEY).iter_rows()], dtype=pl.String, strict=False
        ),
    )


_KEY = ("src_address", "dst_address", "src_port", "dst_port", "protocol", "dst_packets")


def ip_bytes(side: str) -> pl.Expr:
    """Return bytes from the IP header on, where the record says that it counts those of Ethernet as well."""
    bits = pl.col(f"{side}_encapsulations").cast(pl.Int64)
    header = ((bits & ETHERNET) // ETHERNET) * LINK_HEADER + ((bits & VLAN) // VLAN) * TAG
    return (pl.col(f"{side}_bytes") - header * pl.col(f"{side}_packets")).clip(0)
