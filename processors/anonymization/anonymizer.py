"""Replaces what tells who: addresses, ports, MACs, times, ids, names of probes. Payload and labels are left out."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.anonymization.addresses import AddressMap
from topics.address_text import IP_ETHERTYPES
from topics.batch import Observer
from topics.flags import FlowFlags
from topics.record import HEAP_FIELDS, copy_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.anonymization.settings import AnonymizationSettings
    from topics.batch import FlowBatch, Records

Octets = np.ndarray[Any, np.dtype[np.uint8]]

SIDES = ("src", "dst")
TIMES = ("flow_start", "src_first", "src_last", "dst_first", "dst_last")
SEQUENCES = ("base_sequence", "last_sequence", "last_ack")
WITH_PORTS = (6, 17, 33, 132, 136)
FIRST_REGISTERED, FIRST_PRIVATE, MOST_PORTS = 1024, 49152, 65536
LONGEST_OFFSET = 10 * 365 * 86_400  # seconds that times are moved at most, into the past
MAC_SIZE = 6


class Anonymizer:
    """Anonymizes batches, alike from one to the next; `settings` say what stays."""

    def __init__(self, settings: AnonymizationSettings) -> None:
        self._settings = settings
        self._addresses = AddressMap(
            blake2b(settings.key, digest_size=32).digest(),
            multicast=settings.preserve_multicast,
            broadcast=settings.preserve_broadcast,
            vendor=settings.preserve_vendor,
        )
        offset = settings.time_offset
        drawn = -(self._number("time") % LONGEST_OFFSET) * 1_000_000_000
        self._offset = drawn if offset is None else offset

    def anonymized(self, batch: FlowBatch) -> FlowBatch:
        """Return the records of a batch without who is behind them."""
        records = copy_records(np.ascontiguousarray(batch.records))
        self._replace_addresses(records)
        self._replace_ports(records)
        self._replace_numbers(records)
        for name in HEAP_FIELDS:
            records[f"{name}_offset"], records[f"{name}_length"] = 0, 0
        observers = self._observers(records, batch)
        site, probe = self._name(batch.site), self._name(batch.probe)
        return batch.replace(records=records, heap=batch.heap[:0], observers=observers, site=site, probe=probe)

    def _number(self, purpose: str) -> int:
        digest = blake2b(purpose.encode(), key=self._settings.key[:64], digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def _replace_addresses(self, records: Records) -> None:
        ip = np.isin(records["ethertype"], (*IP_ETHERTYPES, 0))
        broken = (records["flow_flags"] & int(FlowFlags.MALFORMED | FlowFlags.HEADER_NOT_CAPTURED)) != 0
        ip &= ~(broken & (records["protocol"] == 0))
        for side in SIDES:
            column = records[f"{side}_address"]
            column[ip] = _each(column[ip], self._addresses.ip)
            column[~ip] = _each(column[~ip], self._link)
            records[f"{side}_mac"] = _each(records[f"{side}_mac"], self._addresses.mac)
        records["icmp_error_router"] = _each(records["icmp_error_router"], self._addresses.ip)

    def _link(self, address: bytes) -> bytes:
        return address[:-MAC_SIZE] + self._addresses.mac(address[-MAC_SIZE:])

    def _replace_ports(self, records: Records) -> None:
        settings = self._settings
        if settings.preserve_ports:
            return
        low = 0 if not settings.preserve_wellknown_ports else FIRST_REGISTERED
        low = FIRST_PRIVATE if settings.preserve_registered_ports else low
        shift, size = self._number("ports"), MOST_PORTS - low
        for side in SIDES:
            ports = records[f"{side}_port"]
            moved = np.isin(records["protocol"], WITH_PORTS) & (ports >= low) & (ports > 0)
            ports[moved] = (ports[moved].astype(np.int64) - low + shift % size) % size + low

    def _replace_numbers(self, records: Records) -> None:
        for name in TIMES:
            known = records[name] != 0
            records[name][known] += self._offset
        records["flow_id"] = _each(records["flow_id"], self._flow_id)
        for side in SIDES:
            for name in SEQUENCES:
                numbers = records[f"{side}_{name}"]
                numbers[numbers != 0] += np.uint32(self._number(f"{name}") & 0xFFFFFFFF)
            if not self._settings.preserve_ip_id:
                records[f"{side}_ip_id"] ^= np.uint16(self._number("ip id") & 0xFFFF)
            if not self._settings.preserve_ttl:
                for name in ("ttl", "ttl_min", "ttl_max"):
                    records[f"{side}_{name}"] = 0
            if not self._settings.preserve_tos:
                records[f"{side}_tos"] = 0

    def _flow_id(self, number: bytes) -> bytes:
        return blake2b(number, key=self._settings.key[:64], digest_size=16, person=b"flow").digest()

    def _observers(self, records: Records, batch: FlowBatch) -> dict[int, Observer]:
        observers, ids = {}, records["observer"].copy()
        for number, known in batch.observers.items():
            name = self._name
            renamed = Observer(name(known.site), name(known.probe), name(known.interface))
            observers[renamed.id] = renamed
            records["observer"][ids == number] = renamed.id
        return observers

    def _name(self, name: str) -> str:
        if self._settings.preserve_observers or not name:
            return name
        return blake2b(name.encode(), key=self._settings.key[:64], digest_size=4, person=b"name").hexdigest()


def _each(values: Octets, replace: Callable[[bytes], bytes]) -> Octets:
    """Return rows of octets, each distinct one replaced once."""
    if not len(values):
        return values
    size = values.shape[1]
    packed = np.ascontiguousarray(values).view(f"V{size}").reshape(-1)
    distinct, codes = np.unique(packed, return_inverse=True)
    replaced = b"".join(replace(value.tobytes()) for value in distinct)
    table = np.frombuffer(replaced, np.uint8).reshape(-1, size)
    result: Octets = table[codes.reshape(-1)]
    return result
