"""The process of the probe: into the background, its pid file, and the signals it heeds."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from topics.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READY = b"+"


def go_into_background() -> Callable[[], None]:
    """Detach from the terminal; return what tells the process that was started, and waits, that all is well.

    The one that was started ends with status 0 then, or with that of the background process when it ends before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        _wait_for(reading, child)
    os.close(reading)
    os.setsid()

    def ready() -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        os.write(writing, READY)
        os.close(writing)

    return ready


def _wait_for(reading: int, child: int) -> None:
    """End this process as the one in the background deserves."""
    if os.read(reading, 1) == READY:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


@contextmanager
def pid_file(path: str) -> Iterator[None]:
    """Hold a file with the number of this process, nothing when `path` is empty.

    It is locked as long as the process lives, and emptied and removed, where that is still allowed, at the end. Raises
    OutputError when another process holds it.
    """
    if not path:
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        raise OutputError(f"{path}: held by process {holder or '?'}, which still runs") from None
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d\n" % os.getpid())
    try:
        yield
    finally:
        os.ftruncate(descriptor, 0)
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - the file that is open, whatever pathlib makes of its name
        os.close(descriptor)
