"""Time stamps of adapters: an adapter that can is made up, since none here does."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from probes.capture.link_types import ETHERNET
from probes.live import packet_socket
from probes.live.interfaces import Link
from probes.live.ring import BLOCK_BYTES, Ring
from tests.probes.live.test_walk import FRAMES, ring, slot
from topics.errors import InterfaceError

SENT_ON, ALL = 1, 1


class Adapter:
    """What the operating system says of an adapter: flags, which packets sent and received it stamps."""

    def __init__(self, settings: tuple[int, int, int], *, tells: bool = True, refuses: int = 0) -> None:
        self.settings, self.tells, self.refuses = settings, tells, refuses
        self.asked: list[int] = []
        self.options: list[tuple[int, int, Any]] = []

    def ioctl(self, _socket: object, request: int, argument: bytes) -> int:
        name, address = struct.unpack("16sP16x", argument)
        assert name.rstrip(b"\0") == b"eth0"
        memory = (ctypes.c_int * 3).from_address(address)
        self.asked.append(request)
        if request == packet_socket.SIOCGHWTSTAMP:
            if not self.tells:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            memory[:] = list(self.settings)
        elif self.refuses:
            raise OSError(self.refuses, "Operation not permitted")
        else:
            self.settings = (memory[0], memory[1], memory[2])
        return 0

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options.append((level, option, value))


@pytest.mark.parametrize(
    ("before", "tells", "after", "changes"),
    [
        ((0, 0, 0), True, (0, 0, ALL), 1),
        ((0, SENT_ON, 12), True, (0, SENT_ON, ALL), 1),  # 12: those of PTP alone, as ptp4l asks for
        ((0, SENT_ON, ALL), True, (0, SENT_ON, ALL), 0),
        ((0, 0, 0), False, (0, 0, ALL), 1),
    ],
)
def test_the_adapter_stamps_all_that_comes_and_what_goes_as_before(
    monkeypatch: pytest.MonkeyPatch, before: Any, tells: bool, after: Any, changes: int
) -> None:
    adapter = Adapter(before, tells=tells)
    monkeypatch.setattr(fcntl, "ioctl", adapter.ioctl)
    packet_socket.take_hardware_times(adapter, "eth0")  # type: ignore[arg-type]
    assert adapter.settings == after
    assert adapter.asked.count(packet_socket.SIOCSHWTSTAMP) == changes
    assert adapter.options == [(263, 17, 1 << 6)], "PACKET_TIMESTAMP, SOF_TIMESTAMPING_RAW_HARDWARE"


def test_a_refusal_names_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Adapter((0, 0, 0), refuses=errno.EPERM).ioctl)
    with pytest.raises(InterfaceError, match=r"^eth0: no time stamps by the adapter \(Operation not permitted\)$"):
        packet_socket.take_hardware_times(Adapter((0, 0, 0)), "eth0")  # type: ignore[arg-type]


class MadeRing(Ring):
    """A ring of one made block, that an adapter stamps as far as the block says."""

    def __init__(self, statuses: list[int]) -> None:
        slots = [slot(frame, frame is FRAMES[-1], status=each) for frame, each in zip(FRAMES, statuses, strict=True)]
        block = ring(slots)[4096:]
        self._made = np.concatenate([block, np.zeros(BLOCK_BYTES - len(block), np.uint8)])
        super().__init__(
            Link("eth0", 1, ETHERNET, cooked=False, loopback=False), 1, 65535, promiscuous=False, hardware=True
        )

    def _set_up(self, *, promiscuous: bool, hardware: bool) -> None:
        assert (promiscuous, hardware) == (False, True)
        self._ring, self._hardware = self._made, True


@pytest.mark.parametrize(("statuses", "said"), [([1 << 31] * 9, 0), ([1 << 31] * 8 + [0], 1), ([1 << 29] * 9, 1)])
def test_packets_that_the_adapter_did_not_stamp_are_told_once(
    monkeypatch: pytest.MonkeyPatch, statuses: list[int], said: int
) -> None:
    monkeypatch.setattr(packet_socket, "open_socket", lambda *_, **__: socket.socket(socket.AF_UNIX))
    with capture_logs() as lines:
        made = MadeRing(statuses)
        for _ in range(2):
            taken = made.take()
            assert taken is not None
            assert len(taken.packets) == len(FRAMES)
        made.close()
    assert [line["interface"] for line in lines] == ["eth0"] * said
