"""One ring: a packet socket on an interface and the memory that it shares with the operating system."""

from __future__ import annotations

import contextlib
import mmap
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from probes.capture.link_types import ETHERNET
from probes.capture.packets import PACKET_DTYPE, PacketBlock
from probes.live import packet_socket
from probes.live.walk import NOT_READY, SMALLEST_SLOT, give_back, walk
from probes.packet_filter.program import RET, Instruction
from topics.errors import InterfaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.live.interfaces import Link

BLOCK_BYTES = 1 << 21
MIN_BLOCKS = 4
RETIRE_MS = 80  # a block that is not full is handed over after that time
log = structlog.get_logger()
NO_MEMORY = np.zeros(0, np.uint8)
NOTHING = [Instruction(RET, 0, 0, 0)]


@dataclass(slots=True)
class RingCounters:
    """Totals of one ring since capture began: they only grow.

    `packets` and `bytes` (on the wire) were given to the reader; `received` passed the filter; of these the operating
    system threw `dropped` away, since the ring was full; `frozen` is how often it became full.
    """

    packets: int = 0
    bytes: int = 0
    received: int = 0
    dropped: int = 0
    frozen: int = 0


class Ring:
    """The packets of one interface, in blocks of up to 2 MiB, in place.

    `take` returns the next block, or None while the operating system fills it; `give_back` has to follow before the
    next one is taken. Nothing is received before `begin` and nothing more after `end`.
    Raises InterfaceError when the socket or its memory cannot be had.
    """

    def __init__(
        self, link: Link, size: int, snaplen: int, *, promiscuous: bool = True, hardware: bool = False
    ) -> None:
        self.link = link
        self.snaplen = snaplen
        self.counters = RingCounters()
        self.socket = packet_socket.open_socket(link.name, cooked=link.cooked)
        self._blocks = max(MIN_BLOCKS, size // BLOCK_BYTES)
        self._next = 0
        self._hardware = False  # whether all packets so far have time stamps of the adapter
        self._counting = threading.Lock()
        self._memory = mmap.mmap(-1, 1)
        self._ring = NO_MEMORY
        self._out = np.zeros(BLOCK_BYTES // SMALLEST_SLOT, PACKET_DTYPE)
        try:
            self._set_up(promiscuous=promiscuous, hardware=hardware)
        except OSError as error:
            self.close()
            raise InterfaceError(f"{link.name}: cannot capture ({error.strerror})") from error
        except InterfaceError:
            self.close()
            raise

    def _set_up(self, *, promiscuous: bool, hardware: bool) -> None:
        packets, link = self.socket, self.link
        packet_socket.attach(packets, NOTHING)
        packet_socket.request_ring(packets, BLOCK_BYTES, self._blocks, RETIRE_MS)
        if hardware:
            self._hardware = self._stamped_by_adapter()
        if link.loopback:  # there every packet goes out and comes in
            packets.setsockopt(packet_socket.SOL_PACKET, packet_socket.IGNORE_OUTGOING, 1)
        self._memory = mmap.mmap(packets.fileno(), self._blocks * BLOCK_BYTES)  # which holds the socket, too
        self._ring = np.frombuffer(self._memory, np.uint8)
        packets.bind((link.name, packet_socket.ETH_P_ALL))
        if promiscuous and not link.loopback:
            packet_socket.become_promiscuous(packets, link.index)

    def _stamped_by_adapter(self) -> bool:
        """Let the adapter stamp packets, and go on without where it cannot."""
        try:
            packet_socket.take_hardware_times(self.socket, self.link.name)
        except InterfaceError as error:
            log.warning("packets have time stamps of the host", reason=str(error))
            return False
        return True

    def share(self, group: int, balance: Sequence[Instruction]) -> None:
        """Join (or found) a group of rings that share the packets of the interface."""
        try:
            packet_socket.join_fanout(self.socket, group, balance)
        except OSError as error:
            raise InterfaceError(f"{self.link.name}: cannot join fanout group {group} ({error.strerror})") from error

    def begin(self, program: Sequence[Instruction]) -> None:
        """Receive from now on what a filter program accepts, cut to the length that it returns."""
        packet_socket.received(self.socket)
        packet_socket.attach(self.socket, program)

    def end(self) -> None:
        """Receive nothing more; what was received can still be taken."""
        packet_socket.attach(self.socket, NOTHING)

    def take(self) -> PacketBlock | None:
        """Return the next block, good until it is given back; None when there is none yet."""
        link = self.link
        count, wire, stamped = walk(
            self._ring,
            self._next * BLOCK_BYTES,
            BLOCK_BYTES,
            link.link_type,
            link.link_type == ETHERNET,
            self.snaplen,
            self._out,
        )
        if count == NOT_READY:
            return None
        self.counters.packets += count
        self.counters.bytes += wire
        if self._hardware and stamped < count:
            self._hardware = False
            log.warning("packets without a time stamp of the adapter have that of the host", interface=link.name)
        return PacketBlock(self._ring, self._out[:count], link.name)

    def give_back(self) -> None:
        """Let the block that was taken be filled again."""
        give_back(self._ring, self._next * BLOCK_BYTES)
        self._next = (self._next + 1) % self._blocks

    def count(self) -> RingCounters:
        """Return the counters as they are now."""
        totals = self.counters
        with self._counting:  # asking starts the system's counters anew
            if self.socket.fileno() >= 0:
                now = packet_socket.received(self.socket)
                totals.received += now.packets
                totals.dropped += now.drops
                totals.frozen += now.freezes
        return totals

    @property
    def is_empty(self) -> bool:
        """Whether everything that was received has been taken."""
        totals = self.count()
        return totals.packets >= totals.received - totals.dropped

    def failed(self) -> bool:
        """Whether something happened to the interface since this was last asked."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def close(self) -> None:
        """Give socket and memory back; a block that is still held keeps both."""
        with self._counting:
            self.socket.close()
            self._ring, self._out = NO_MEMORY, self._out[:0].copy()
            with contextlib.suppress(BufferError):
                self._memory.close()
