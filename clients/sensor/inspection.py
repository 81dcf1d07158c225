"""What `argosy probe` can say without observing anything: its compiled packet filter, and the interfaces there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probes.settings import Settings


def interface_lines() -> list[str]:
    """Return the interfaces of the machine, a line each: number, name, whether it is up, what its frames are."""
    from probes.live import interfaces
    from topics.errors import InterfaceError

    lines = []
    for number, name in enumerate(interfaces.names(), 1):
        try:
            state = "up" if interfaces.is_up(name) else "down"
        except InterfaceError:
            continue  # it went away in the meantime
        lines.append(f"{number}. {name} [{state}]")
    return lines


def filter_listing(settings: Settings) -> str:
    """Return the packet filter as it would run, as `tcpdump -d` prints it.

    It is compiled for the first interface, else for the frames of the first file, else for Ethernet. Raises
    FilterError, LibraryError and what opening the input raises.
    """
    from probes.live import interfaces
    from probes.live.settings import WHOLE, filter_program
    from probes.open_source import live_settings
    from probes.packet_filter import libpcap

    if settings.interfaces:
        live = live_settings(settings)
        program = filter_program(interfaces.link(interfaces.chosen(live.interfaces)[0]), live)
    else:
        link_type, optimize = _first_link_type(settings.files), settings.filter_optimizer
        program = libpcap.compile_for_files(settings.packet_filter, link_type, WHOLE, optimize=optimize)
    return libpcap.listing(program)


def _first_link_type(files: tuple[str, ...]) -> int:
    from probes.capture.link_types import ETHERNET
    from probes.capture.reader import CaptureReader

    for path in files:
        for block in CaptureReader(path):
            if len(block.packets):
                return block.link_types()[0]
    return ETHERNET
