"""How interfaces are captured, and what the operating system is asked to let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.capture.link_types import ETHERNET
from probes.packet_filter.program import RET, Instruction, check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.live.interfaces import Link

RING_BYTES = 64 << 20
HEADERS = 256  # enough for the headers of two tags, four labels and a tunnel, IPv6 and all TCP options in it
WHOLE = 262_144  # longer than any frame


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How interfaces are captured.

    `interfaces`: names, `all` for every one that is up; `snaplen`: bytes kept of a frame;
    `expression`: a libpcap filter; `ring_bytes`: memory for the packets that wait, in each ring; `hardware_times`: the
    adapter stamps packets where it can; `group`: number of the fanout group of processes that share the packets;
    `patient`: an interface that goes away is waited for.
    """

    interfaces: Sequence[str]
    promiscuous: bool = True
    snaplen: int = WHOLE
    expression: str = ""
    optimize: bool = True
    ring_bytes: int = RING_BYTES
    hardware_times: bool = False
    group: int | None = None
    patient: bool = False


def filter_program(link: Link, settings: LiveSettings) -> list[Instruction]:
    """Return the program for the operating system to run on an interface: the filter, which also cuts packets.

    Raises FilterError, or LibraryError without libpcap.
    """
    if not settings.expression:
        return [Instruction(RET, 0, 0, settings.snaplen)]
    from probes.packet_filter.libpcap import compile_for_files, compile_for_interface

    snaplen, optimize = settings.snaplen, settings.optimize
    if link.link_type == ETHERNET:
        program = compile_for_interface(settings.expression, link.name, snaplen, optimize=optimize)
    else:
        program = compile_for_files(settings.expression, link.link_type, snaplen, optimize=optimize)
    check(program, settings.expression)
    return program
