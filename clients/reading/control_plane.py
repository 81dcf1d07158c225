"""Payloads of the control plane for people's questions: of captures, of files of a probe, or what was kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from topics.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from topics.control import ControlBatch
    from topics.dns import DnsBatch
    from topics.names import AddressName

SCHEME = "kafka://"
# Protocols that tell of names; SMB and HTTP carry NTLM in clear.
PROTOCOLS = ("dns", "mdns", "llmnr", "netbios", "dhcp", "dhcpv6", "arp", "icmpv6", "sip", "tcp:445", "tcp:139")


def under(names: Iterable[str], suffix: str, maker: str = "`argosy run --data DIR`") -> list[str]:
    """Return files as they are named, directories as the files of a suffix in them; raises InputError for none."""
    found = []
    for name in names:
        if not Path(name).is_dir():
            found.append(name)
            continue
        inside = sorted(str(path) for path in Path(name).rglob(f"*{suffix}") if not path.name.startswith("."))
        if not inside:
            raise InputError(f"{name}: holds no {suffix} files; {maker} makes them")
        found += inside
    return found


def is_capture(name: str) -> bool:
    """Tell whether a file is a capture rather than payloads or what was made of them."""
    return not name.endswith((".control.avro", ".dns", ".names"))


def payloads(name: str) -> Iterator[ControlBatch]:
    """Yield the payloads of a capture or of a file of payloads; raises InputError."""
    if name.endswith(".control.avro"):
        from sinks.formats.control import read_control

        yield from read_control(name)
        return
    from probes.captures import CaptureSource
    from probes.control.plane import ControlPlane
    from probes.flows.probe import ProbeSettings
    from probes.sensor import Sensor

    source, plane = CaptureSource([name]), ControlPlane(ProbeSettings(), PROTOCOLS)
    sensor = Sensor(plane.settings, protocols=plane.protocols)
    for block in source:
        for _ in sensor.take(block):
            pass  # what counts here is which flow a packet belongs to
        yield from plane.take(block, sensor.marks(block))
    yield from plane.flush()
    if source.errors:
        raise source.errors[0]


def transactions(name: str) -> Iterator[DnsBatch]:
    """Yield the DNS transactions of a file of any kind; raises InputError."""
    if name.endswith(".dns"):
        from sinks.formats.findings import read_dns

        yield from read_dns(name)
        return
    if name.endswith(".names"):
        raise UsageError(f"{name}: holds names of addresses, not transactions")
    from processors.dns import DnsTransactions

    found = DnsTransactions()
    for batch in payloads(name):
        yield found.process(batch)
    yield from found.flush()


def names_of(name: str) -> Iterator[AddressName]:
    """Yield the names of addresses in a file of any kind; raises InputError."""
    if name.endswith(".names"):
        from sinks.formats.findings import read_names

        yield from read_names(name)
        return
    if name.endswith(".dns"):
        from processors.names import DnsNames

        dns = DnsNames()
        for batch in transactions(name):
            yield from dns.process(batch)
        return
    from processors.names import Naming

    naming = Naming()
    for payload in payloads(name):
        yield from naming.process(payload)[1]
    for _, names in naming.flush():
        yield from names
