"""How interfaces are captured, and what the operating system is asked to let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.capture.link_types import ETHERNET
from probes.live.ring import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.live.interfaces import Link
    from probes.packet_filter.program import Instruction

RING_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How interfaces are captured.

    `interfaces`: names, `all` for every one that is up; `snaplen`: bytes kept of a frame, 0 for all of it;
    `expression`: a libpcap filter; `ring_bytes`: memory for the packets that wait, in each ring; `hardware_times`: the
    adapter stamps packets; `lanes`: rings to an interface that share its packets; `group`: number of their fanout
    group, for sharing with other processes; `patient`: an interface that goes away is waited for.
    """

    interfaces: Sequence[str]
    promiscuous: bool = True
    snaplen: int = 0
    expression: str = ""
    optimize: bool = True
    ring_bytes: int = RING_BYTES
    hardware_times: bool = False
    lanes: int = 1
    group: int | None = None
    patient: bool = False


def filter_program(link: Link, settings: LiveSettings) -> list[Instruction] | None:
    """Return the filter of an interface for the operating system to run, None when there is none.

    Raises FilterError, or LibraryError without libpcap.
    """
    if not settings.expression:
        return None
    from probes.packet_filter.libpcap import compile_for_files, compile_for_interface
    from probes.packet_filter.program import check

    snaplen = settings.snaplen or WHOLE
    if link.link_type == ETHERNET:
        program = compile_for_interface(settings.expression, link.name, snaplen, optimize=settings.optimize)
    else:
        program = compile_for_files(settings.expression, link.link_type, snaplen, optimize=settings.optimize)
    check(program, settings.expression)
    return program
