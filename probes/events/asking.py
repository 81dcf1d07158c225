"""One source behind one interface: what came of asking it, as bodies of events."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from probes.events.answer import FAILED, OK, UNREADABLE, Answer
from probes.events.file import read_file
from probes.events.follow import FollowedFile
from probes.events.parsing import parser
from probes.events.parsing.generic import argus_event
from probes.events.parsing.host import filesystem
from probes.events.parsing.text import UnreadableError, short
from probes.events.program import run_program
from probes.events.settings import HOST_FILES, TELLING

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.events.settings import EventSource

MOST_REASON = 300
HEAR_SECONDS = 0.25
BINARY_SHARE = 0.3
NO_FILESYSTEMS = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "debugfs", "tracefs", "securityfs",
                  "pstore", "bpf", "mqueue", "hugetlbfs", "configfs", "fusectl", "autofs", "nsfs", "binfmt_misc",
                  "rpc_pipefs", "nfsd", "squashfs"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a source told: how it was asked, and what that means, as a body of its kind."""

    answer: Answer
    kind: str
    body: dict[str, Any] | None = None


class Asked(Protocol):
    """Something that can be asked again and again, by one thread."""

    def ask(self, stopping: Callable[[], bool]) -> list[Told]:
        """Return what it tells now; nothing when there is nothing new. Returns soon when `stopping` says so."""

    def close(self) -> None:
        """Give back what it holds."""


def open_source(source: EventSource, clock: Callable[[], int] = time.time_ns) -> Asked:
    """Return what asks a source; raises OSError where it cannot listen."""
    if source.devices:
        return _Devices(source)
    if source.listen:
        return _Heard(source, clock)
    if source.follow:
        return _Followed(source)
    if source.program or source.shell or source.files:
        return _Once(source)
    return _Sockets(source, clock) if source.kind == "lsof" else _Host(source)


def understood(kind: str, answer: Answer) -> Told:
    """Return what an answer means; one that was cut short is read as far as it goes, XML of Argus's scripts opened."""
    text = answer.output.decode("utf-8", "replace")
    try:
        event = argus_event(text)
        if event:
            program, text = event
            words = program.rpartition("/")[2].split()
            kind = TELLING.get(words[0] if words else "", kind) if kind == "generic" else kind
        if kind == "generic" and _is_binary(answer.output, text):
            return Told(answer, kind, {"format": "binary", "values": {}})
        if answer.status != OK and (not answer.output or kind == "generic"):
            return Told(answer, kind)
        return Told(answer, kind, parser(kind)(text))
    except UnreadableError as error:
        if answer.status != OK:
            return Told(answer, kind)
        return Told(Answer(answer.output, answer.errors, UNREADABLE, str(error), answer.exit_status, answer.size), kind)


def _is_binary(data: bytes, text: str) -> bool:
    return b"\0" in data[:65_536] or text[:65_536].count("\ufffd") > BINARY_SHARE * len(text[:65_536]) > 0


class _Once:
    """A program or files, asked from the beginning each time."""

    def __init__(self, source: EventSource) -> None:
        self._source = source

    def ask(self, stopping: Callable[[], bool]) -> list[Told]:
        source = self._source
        if source.files:
            return [understood(source.kind, read_files(source.files, source.most))]
        arguments = ["/bin/sh", "-c", source.shell] if source.shell else list(source.program)
        answer = run_program(arguments, timeout=source.timeout, most=source.most, stopping=stopping)
        return [understood(source.kind, answer)]

    def close(self) -> None:
        pass


def read_files(paths: tuple[str, ...], most: int) -> Answer:
    """Return files one after the other, and what went wrong first."""
    answers = [read_file(path, most) for path in paths]
    worst = next((answer for answer in answers if answer.status != OK), answers[0])
    output = b"".join(answer.output for answer in answers)[:most]
    return Answer(output, b"", worst.status, worst.reason, None, sum(answer.size for answer in answers))


class _Host:
    """What the kernel says of the host."""

    def __init__(self, source: EventSource) -> None:
        self._source = source

    def ask(self, _stopping: Callable[[], bool]) -> list[Told]:
        told = understood(self._source.kind, read_files(HOST_FILES[self._source.kind], self._source.most))
        if self._source.kind == "disk" and told.body is not None:
            told.body["filesystems"] = filesystems()
        return [told]

    def close(self) -> None:
        pass


def filesystems(mounts: str = "/proc/self/mounts") -> list[dict[str, Any]]:
    """Return the file systems that hold data; not those of other hosts, since asking them may take for ever."""
    found = {}
    for line in read_file(mounts, 1 << 20).output.decode("utf-8", "replace").splitlines():
        device, mount, kind, *_ = [*line.split(), "", "", ""]
        if kind in NO_FILESYSTEMS or kind.startswith(("nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs")):
            continue
        try:
            space = os.statvfs(mount.encode().decode("unicode_escape"))
        except (OSError, UnicodeDecodeError):
            continue
        unit = space.f_frsize
        if space.f_blocks:
            sizes = space.f_blocks * unit, (space.f_blocks - space.f_bfree) * unit, space.f_bavail * unit
            found[mount] = filesystem(device, mount, kind, sizes, (space.f_files, space.f_ffree))
    return list(found.values())


class _Sockets:
    """Sockets of the host and who holds them."""

    def __init__(self, source: EventSource, clock: Callable[[], int]) -> None:
        from probes.events.sockets import SocketWatch

        self._watch = SocketWatch(commands=source.commands, clock=clock)

    def ask(self, _stopping: Callable[[], bool]) -> list[Told]:
        try:
            return [Told(Answer(), "lsof", self._watch.look())]
        except OSError as error:
            return [Told(Answer(status=FAILED, reason=f"{error.filename}: {error.strerror}"), "lsof")]

    def close(self) -> None:
        self._watch.close()


class _Devices:
    """Devices that speak SNMP, an event each."""

    def __init__(self, source: EventSource) -> None:
        self._source = source

    def ask(self, _stopping: Callable[[], bool]) -> list[Told]:
        from probes.events.snmp import DeviceError, ask

        told = []
        for found in ask(self._source.devices, self._source.timeout):
            if isinstance(found, DeviceError):
                told.append(Told(Answer(status=FAILED, reason=short(found, MOST_REASON)), "snmp"))
            else:
                told.append(Told(Answer(), "snmp", found))
        return told

    def close(self) -> None:
        pass


class _Followed:
    """Lines that are appended to a file."""

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._file = FollowedFile(source.follow)
        self._file.begin()

    def ask(self, _stopping: Callable[[], bool]) -> list[Told]:
        answer = self._file.read(self._source.most)
        return [understood(self._source.kind, answer)] if answer.output or answer.status != OK else []

    def close(self) -> None:
        self._file.close()


class _Heard:
    """What others send to sockets, gathered for as long as the source's interval."""

    def __init__(self, source: EventSource, clock: Callable[[], int]) -> None:
        from probes.events.alerts import AlertListener
        from probes.events.syslog import SyslogListener

        self._interval, self._kind = source.every, source.kind
        self._listener: AlertListener | SyslogListener
        if source.kind == "ids":
            self._listener = AlertListener(source.places, source.most)
        else:
            self._listener = SyslogListener(source.places, clock)
        self.ports = self._listener.ports

    def ask(self, stopping: Callable[[], bool]) -> list[Told]:
        end = time.monotonic() + self._interval
        while not stopping() and (left := end - time.monotonic()) > 0:
            self._listener.hear(min(HEAR_SECONDS, left))
        self._listener.hear(0.0)
        found = self._listener.take()
        if isinstance(found, Answer):
            return [understood(self._kind, found)]
        return [Told(Answer(), self._kind, found)] if found else []

    def close(self) -> None:
        self._listener.close()
