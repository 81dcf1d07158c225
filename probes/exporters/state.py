"""What exporters said once and will not soon say again, kept over restarts: templates, samplers, interfaces."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.exporters.listening import packed
from probes.exporters.options import LONGEST_NAME, MOST_RATE
from probes.exporters.templates import MOST_FIELDS, Field, Template
from topics.address_text import ip_text
from topics.errors import InputError, OutputError

if TYPE_CHECKING:
    from probes.exporters.collector import Collector
    from probes.exporters.exporter import Exporter

VERSION = 1
LARGEST = 1 << 28  # bytes


def write_state(collector: Collector, path: str) -> None:
    """Write the state aside and rename it; raises OutputError."""
    listed = [_described(key, exporter) for key, exporter in collector.exporters.items() if key[0] != "sflow"]
    aside = f"{path}.new"
    try:
        with Path(aside).open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "exporters": listed}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from None


def read_state(collector: Collector, path: str) -> None:
    """Let a collector that has taken nothing yet know what is in a file; one that is missing is none.

    Raises InputError naming the file for anything else than what was written.
    """
    file = Path(path)
    try:
        if not file.exists():
            return
        if file.stat().st_size > LARGEST:
            raise InputError(f"{path}: too large to be the state of exporters")
        state = json.loads(file.read_text(encoding="utf-8"))
        if state["version"] != VERSION:
            raise InputError(f"{path}: state of exporters of version {state['version']}, which is not read")
        for described in state["exporters"]:
            _learn(collector, described)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: is no state of exporters") from None


def _described(key: tuple[str, bytes, int], exporter: Exporter) -> dict[str, Any]:
    return {
        "kind": key[0],
        "address": ip_text(key[1]),
        "templates": [
            [domain, number, template.scopes, [list(each) for each in template.fields]]
            for (domain, number), template in exporter.templates.items()
        ],
        "samplers": [[*each, rate] for each, rate in exporter.samplers.items()],
        "interfaces": [[*each, name] for each, name in exporter.interfaces.items()],
        "domains": [
            [domain, each.sampling, each.system_start, list(each.interface_rates.items())]
            for domain, each in exporter.streams.items()
        ],
    }


def _learn(collector: Collector, described: dict[str, Any]) -> None:
    exporter = collector.known(described["kind"], packed(described["address"]))
    if exporter is None:
        return
    for domain, number, scopes, fields in described["templates"]:
        template = Template(tuple(Field(*map(int, each)) for each in fields[:MOST_FIELDS]), int(scopes))
        if template.shortest and all(0 <= part < 1 << 32 for each in template.fields for part in each):
            exporter.templates.put(int(domain), int(number), template)
    for domain, number, rate in described["samplers"]:
        exporter.learn_sampler(int(domain), int(number), min(int(rate), MOST_RATE))
    for domain, number, name in described["interfaces"]:
        exporter.learn_interface(int(domain), int(number), str(name)[:LONGEST_NAME])
    for domain, sampling, start, *interfaces in described["domains"]:
        stream = collector.stream(exporter, int(domain))
        if stream is not None:
            stream.sampling, stream.system_start = min(int(sampling), MOST_RATE), min(max(int(start), 0), 1 << 61)
            for interface, rate in interfaces[0] if interfaces else ():
                stream.learn_interface_rate(int(interface), min(max(int(rate), 0), MOST_RATE))
