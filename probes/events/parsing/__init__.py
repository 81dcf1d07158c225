"""What the output of a source means, by kind: from text to the body of an event.

Every parser takes text and returns a body with the fields of topics/schemas/event-record.v1.avsc, or raises
UnreadableError in one line. Texts are cut, counts bounded: output is whatever somebody wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Body = dict[str, Any]


def parser(kind: str) -> Callable[[str], Body]:
    """Return the parser of a kind that has one: all but snmp and syslog, which nobody prints."""
    from probes.events.parsing import generic, host, ids, lsof, wifi

    parsers: dict[str, Callable[[str], Body]] = {
        "generic": generic.parse_generic,
        "vmstat": host.parse_vmstat,
        "netstat": host.parse_netstat,
        "load": host.parse_load,
        "disk": host.parse_disk,
        "wifi": wifi.parse_wifi,
        "lsof": lsof.parse_lsof,
        "ids": ids.parse_ids,
    }
    return parsers[kind]
