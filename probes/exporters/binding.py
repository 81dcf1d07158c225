"""The sockets of one endpoint: UDP, and for IPFIX also TCP and, where the kernel has it, SCTP, all of one number."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from probes.exporters.receiving import SO_RXQ_OVFL
from topics.errors import InterfaceError

RECEIVE_BYTES = 32 << 20  # of each UDP socket; the kernel halves what it may not give
SO_RCVBUFFORCE = 33  # Linux, of any processor but a few
DATAGRAMS = (("udp", socket.SOCK_DGRAM, 0),)
STREAMS = (("tcp", socket.SOCK_STREAM, socket.IPPROTO_TCP), ("sctp", socket.SOCK_STREAM, socket.IPPROTO_SCTP))
ATTEMPTS = 32  # at a number that all protocols have free, when any will do


def bind(kind: str, host: str, port: int) -> dict[str, socket.socket]:
    """Return the bound sockets of an endpoint by protocol ("udp", "tcp", "sctp"), which all have one number.

    `kind` is netflow, ipfix or sflow; a host that is empty is every address; a port of 0 is any that all protocols
    have free: the kernel gives one for UDP, where a connection may hold the same number for TCP, so several are tried.
    Raises InterfaceError naming the endpoint if it cannot be had.
    """
    wanted = DATAGRAMS + (STREAMS if kind == "ipfix" else ())
    attempts = 1 if port else ATTEMPTS
    while True:
        attempts -= 1
        try:
            return _bound_alike(wanted, host, port)
        except OSError as error:
            if not attempts or error.errno != errno.EADDRINUSE:
                raise InterfaceError(f"--{kind} {host}:{port}: {error.strerror or error}") from None


def _bound_alike(wanted: tuple[tuple[str, int, int], ...], host: str, port: int) -> dict[str, socket.socket]:
    """Bind all, or none and raise OSError; a protocol that the kernel does not have is left out."""
    sockets: dict[str, socket.socket] = {}
    try:
        for name, what, protocol in wanted:
            with suppress(_NotInKernelError):
                sockets[name] = _bound(host, port, what, protocol)
                port = sockets[name].getsockname()[1]
    except OSError:
        for each in sockets.values():
            each.close()
        raise
    return sockets


class _NotInKernelError(Exception):
    """The kernel does not have a protocol."""


def _bound(host: str, port: int, what: int, protocol: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host or (not host and socket.has_dualstack_ipv6()) else socket.AF_INET
    try:
        found = socket.socket(family, what, protocol)
    except OSError:
        if protocol == socket.IPPROTO_SCTP:
            raise _NotInKernelError from None
        raise
    try:
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(host)))
        if what == socket.SOCK_DGRAM:
            _size(found)
        else:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.setblocking(False)  # noqa: FBT003 - as the socket has it
    except OSError:
        found.close()
        raise
    return found


def _size(found: socket.socket) -> None:
    """Ask for a large buffer, beyond the limit where we may, and to be told what did not fit into it."""
    for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            found.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BYTES)
        except OSError:
            continue
        break
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
