"""Sockets and their processes as one event: a snapshot, and what ended since the last one."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.events.destroyed import DestroyEvents
from probes.events.parsing.lsof import socket_row
from probes.events.processes import Processes, user_name
from probes.events.socket_tables import Ends, Held, ends_row, read_sockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.events.destroyed import Destroyed
    from probes.events.processes import Process

DESTROYED = "DESTROYED"
MOST_REMEMBERED = 100_000
MOST_DESTROYED = 20_000
UNHELD = {"TIME_WAIT", "NEW_SYN_RECV"}


class SocketWatch:
    """Who holds which socket. `clock` gives ns since the epoch.

    A connection that was never seen in a snapshot has no process when the kernel reports its end: it is counted as
    unknown and listed with process 0, never guessed.
    """

    def __init__(
        self,
        root: Path = Path("/proc"),
        *,
        commands: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root, self._clock = root, clock
        self._processes = Processes(root, commands=commands)
        self._known: OrderedDict[Ends, tuple[Process, int]] = OrderedDict()
        self._begun = False
        self._lost = 0
        try:
            self._events: DestroyEvents | None = DestroyEvents()
        except OSError:
            self._events = None

    def look(self) -> dict[str, Any]:
        """Return the body of an event: the sockets now, those that ended, and how many of these nobody knew.

        Raises OSError when the tables of the kernel cannot be read.
        """
        held = read_sockets(self._root)
        holders = self._processes.holders({each.inode for each in held})
        now = self._clock()
        rows = [self._row(each, holders.get(each.inode), now) for each in held if each.state not in UNHELD]
        self._begun = True
        ended = self._events.take() if self._events else []
        present = {each.ends for each in held if each.inode}
        over = [self._ended(each) for each in ended[:MOST_DESTROYED] if each.ends not in present]
        unknown = sum(not row["pid"] for row in over)
        lost = self._events.lost if self._events else 0
        self._lost, more = lost, lost - self._lost
        return {"sockets": rows + over, "destroyed": len(over), "unknown": unknown, "lost": more}

    def close(self) -> None:
        """Hear no more of the kernel."""
        if self._events:
            self._events.close()

    def _row(self, held: Held, process: Process | None, now: int) -> dict[str, Any]:
        opened = 0
        if process:
            before = self._known.get(held.ends)
            opened = before[1] if before and before[0].pid == process.pid else now if self._begun else 0
            self._known[held.ends] = process, opened
            self._known.move_to_end(held.ends)
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return _row(held.ends, held.state, process, held.uid, opened)

    def _ended(self, destroyed: Destroyed) -> dict[str, Any]:
        process, opened = self._known.pop(destroyed.ends, (None, 0))
        return _row(destroyed.ends, DESTROYED, process, destroyed.uid or -1, opened)


def _row(ends: Ends, state: str, process: Process | None, uid: int, opened: int) -> dict[str, Any]:
    if process is None:
        return socket_row(**ends_row(ends), state=state, uid=uid, user=user_name(uid) if uid >= 0 else "")
    return socket_row(
        **ends_row(ends),
        state=state,
        pid=process.pid,
        process=process.name,
        command=process.command,
        uid=process.uid,
        user=process.user,
        container=process.container,
        pod=process.pod,
        opened=opened,
    )
