"""libpcap, for what only it can do: compile its expressions. Packets never go through it."""

from __future__ import annotations

import ctypes
import functools
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from probes.capture import link_types
from probes.packet_filter.program import Instruction
from topics.errors import FilterError, InterfaceError, LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMES = ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so", "libpcap.dylib")
NO_NETMASK = 0  # as tcpdump has it for files
ERROR_BYTES = 256
DLT_RAW = 12  # of Linux: the numbers in files and those in the library differ here alone
DLTS = {link_types.RAW: DLT_RAW, link_types.RAW_OPENBSD: DLT_RAW}


class _Code(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("code", ctypes.POINTER(_Code)))


@functools.cache
def _library() -> Any:  # noqa: ANN401 - ctypes finds functions by name
    for name in NAMES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.pcap_open_dead.restype = ctypes.c_void_p
        library.pcap_create.restype = ctypes.c_void_p
        library.pcap_geterr.restype = ctypes.c_char_p
        library.pcap_statustostr.restype = ctypes.c_char_p
        library.bpf_image.restype = ctypes.c_char_p
        return library
    raise LibraryError("packet filters need libpcap: apt-get install libpcap0.8")


@contextmanager
def _for_files(link_type: int, snaplen: int) -> Iterator[ctypes.c_void_p]:
    """Give a handle that compiles for frames as files hold them."""
    handle = ctypes.c_void_p(_library().pcap_open_dead(DLTS.get(link_type, link_type), snaplen))
    try:
        yield handle
    finally:
        _library().pcap_close(handle)


@contextmanager
def _for_interface(name: str, snaplen: int) -> Iterator[ctypes.c_void_p]:
    """Give a handle that compiles for frames as the operating system sees them: with the VLAN tag apart."""
    library, errors = _library(), ctypes.create_string_buffer(ERROR_BYTES)
    created = library.pcap_create(name.encode(), errors)
    if not created:
        raise InterfaceError(f"{name}: {errors.value.decode(errors='replace')}")
    handle = ctypes.c_void_p(created)
    try:
        library.pcap_set_snaplen(handle, snaplen)
        library.pcap_set_buffer_size(handle, 1 << 18)
        status = library.pcap_activate(handle)
        if status < 0:
            raise InterfaceError(f"{name}: {library.pcap_statustostr(status).decode(errors='replace')}")
        yield handle
    finally:
        library.pcap_close(handle)


def _netmask(name: str) -> int:
    """Return the mask of an interface's own network, which tells what `ip broadcast` means there."""
    network, mask, errors = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.create_string_buffer(ERROR_BYTES)
    found = _library().pcap_lookupnet(name.encode(), ctypes.byref(network), ctypes.byref(mask), errors)
    return socket.ntohl(mask.value) if found == 0 else NO_NETMASK  # compiled programs compare numbers of the machine


def _compile(handle: ctypes.c_void_p, expression: str, netmask: int, *, optimize: bool) -> list[Instruction]:
    library, program = _library(), _Program()
    if library.pcap_compile(handle, ctypes.byref(program), expression.encode(), int(optimize), netmask) != 0:
        reason = library.pcap_geterr(handle).decode(errors="replace")
        raise FilterError(f"packet filter '{expression}': {reason}")
    try:
        found = program.code[: program.length]
        return [Instruction(each.code, each.jt, each.jf, each.k) for each in found]
    finally:
        library.pcap_freecode(ctypes.byref(program))


def compile_for_files(expression: str, link_type: int, snaplen: int, *, optimize: bool = True) -> list[Instruction]:
    """Return an expression compiled for frames of a link type; raises FilterError with libpcap's reason.

    LibraryError is raised where libpcap is not installed, naming the package that has it.
    """
    with _for_files(link_type, snaplen) as handle:
        return _compile(handle, expression, NO_NETMASK, optimize=optimize)


def compile_for_interface(expression: str, name: str, snaplen: int, *, optimize: bool = True) -> list[Instruction]:
    """Return an expression compiled for the operating system to run on an Ethernet interface that is up."""
    with _for_interface(name, snaplen) as handle:
        return _compile(handle, expression, _netmask(name), optimize=optimize)


def listing(program: Sequence[Instruction]) -> str:
    """Return a program as `tcpdump -d` prints it, a line an instruction."""
    lines = []
    for number, instruction in enumerate(program):
        code = _Code(*instruction)
        lines.append(_library().bpf_image(ctypes.byref(code), number).decode())
    return "\n".join(lines)
