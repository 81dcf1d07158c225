"""What the kernel says of TCP sockets that it lets go of: multicast of sock_diag (linux/sock_diag.h, inet_diag.h)."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from contextlib import suppress
from typing import Any, NamedTuple

from probes.events.socket_tables import Ends, sixteen

NETLINK_SOCK_DIAG, SOL_NETLINK, ADD_MEMBERSHIP = 4, 270, 1
GROUPS = (1, 3)  # SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
BUFFER = 4 << 20
MOST = 100_000
_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("!4x2H16s16s4x8x")  # after family, state, timer, retransmissions; interface and cookie follow
_UID = struct.Struct("=3I")  # queues in host order: rqueue, wqueue, uid


class Destroyed(NamedTuple):
    """A connection that is over, and the user it was of where the kernel says so."""

    ends: Ends
    uid: int


class DestroyEvents:
    """Reports since the last time. Raises OSError where the kernel does not offer them to this process."""

    def __init__(self) -> None:
        netlink: Any = getattr(socket, "AF_NETLINK", None)
        if netlink is None or not sys.platform.startswith("linux"):
            raise OSError(errno.EOPNOTSUPP, "no sock_diag")
        self._socket = socket.socket(netlink, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
        self.lost = 0
        try:
            self._socket.setblocking(False)  # noqa: FBT003 - as the socket has it
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self._socket.bind((0, 0))
            for group in GROUPS:
                self._socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
        except OSError:
            self._socket.close()
            raise

    def take(self) -> list[Destroyed]:
        """Return what was reported; `lost` counts the times that reports came faster than they were read."""
        found: list[Destroyed] = []
        while len(found) < MOST:
            try:
                found += parse(self._socket.recv(65_536))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost += 1
        return found

    def close(self) -> None:
        """Hear no more."""
        with suppress(OSError):
            self._socket.close()


def parse(data: bytes) -> list[Destroyed]:
    """Return the connections that a datagram of netlink reports; what is cut short is left out."""
    found, at = [], 0
    while at + _HEADER.size <= len(data):
        length = _HEADER.unpack_from(data, at)[0]
        if length < _HEADER.size or at + length > len(data):
            break
        if length >= _HEADER.size + 72:
            found.append(_destroyed(data[at + _HEADER.size : at + length]))
        at += (length + 3) & ~3
    return found


def _destroyed(message: bytes) -> Destroyed:
    size = 4 if message[0] == socket.AF_INET else 16
    local_port, remote_port, local, remote = _MESSAGE.unpack_from(message)
    uid = _UID.unpack_from(message, 56)[2]
    return Destroyed(Ends(6, sixteen(local[:size]), local_port, sixteen(remote[:size]), remote_port), uid)
