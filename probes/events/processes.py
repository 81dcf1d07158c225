"""Processes of this host: who holds a socket, by /proc; and their user, command line, container and pod."""

from __future__ import annotations

import os
import pwd
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.events.parsing.text import short

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CACHED = 100_000
LONGEST_COMMAND = 256
SOCKET = "socket:["
# Control groups are named after the 64 digits of the container, those of Kubernetes after the pod too.
_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
_POD = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})")
_UID = re.compile(r"^Uid:\s+\d+\s+(\d+)", re.MULTILINE)
CONTAINER_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it is named in records."""

    pid: int
    name: str
    command: str
    uid: int
    user: str
    container: str
    pod: str


def container_of(groups: str) -> tuple[str, str]:
    """Return container (12 digits) and pod that the text of /proc/PID/cgroup names, empty where it names none."""
    container, pod = _CONTAINER.search(groups), _POD.search(groups)
    return container[1][:CONTAINER_DIGITS] if container else "", pod[1].replace("_", "-") if pod else ""


class Processes:
    """Who holds which socket, by inode. What was found is remembered as long as the socket is there."""

    def __init__(self, root: Path = Path("/proc"), *, commands: bool = False) -> None:
        self._root, self._commands = root, commands
        self._holders: dict[int, Process] = {}

    def holders(self, inodes: set[int]) -> dict[int, Process]:
        """Return the process that holds each of these sockets, of those where it can be seen."""
        self._holders = {inode: self._holders[inode] for inode in inodes if inode in self._holders}
        if missing := inodes - self._holders.keys() - {0}:
            for pid in pids(self._root):
                if found := _sockets(self._root / pid / "fd") & missing:
                    process = self._process(pid)
                    if process:
                        self._holders |= dict.fromkeys(found, process)
                        missing -= found
                if not missing or len(self._holders) > MOST_CACHED:
                    break
        return self._holders

    def _process(self, pid: str) -> Process | None:
        place = self._root / pid
        try:
            name = (place / "comm").read_text(errors="replace").strip()
            uid = _user((place / "status").read_text(errors="replace"))
        except OSError:
            return None
        command = groups = ""
        with suppress(OSError):
            groups = (place / "cgroup").read_text(errors="replace")[:65_536]
        if self._commands:
            with suppress(OSError), (place / "cmdline").open("rb") as file:
                command = file.read(4 * LONGEST_COMMAND).replace(b"\0", b" ").decode("utf-8", "replace").strip()
        container, pod = container_of(groups)
        return Process(int(pid), short(name, 256), short(command, LONGEST_COMMAND), uid, user_name(uid), container, pod)


def _user(status: str) -> int:
    """Return the effective user by /proc/PID/status: its files belong to root once a process has changed its user."""
    found = _UID.search(status)
    return int(found[1]) if found else -1


def user_name(uid: int) -> str:
    """Return the name of a user of this host, the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def pids(root: Path) -> Iterator[str]:
    """Yield the processes of a /proc, the newest first: they are the likeliest to hold a socket just made."""
    with os.scandir(root) as entries:
        numbers = sorted((int(entry.name) for entry in entries if entry.name.isdigit()), reverse=True)
    yield from map(str, numbers)


def _sockets(directory: Path) -> set[int]:
    found = set()
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                target = os.readlink(entry.path)  # noqa: PTH115 - a Path for each descriptor of the host is too slow
                if target.startswith(SOCKET):
                    found.add(int(target[len(SOCKET) : -1]))
    return found
