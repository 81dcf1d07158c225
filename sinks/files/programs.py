"""A program for each file that was closed, run beside the sink: it gets the path, its failure is told and counted."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MOST_WAITING = 10_000
SECONDS = 600.0
LONGEST_SAID = 200


def _tell(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - a sink of files has no other voice


class Program:
    """Runs `command PATH` for one file after the other, without a shell; one that takes too long is ended.

    `failed` counts runs that did not end with status 0. Files wait in a bounded queue; a full one makes the sink wait.
    """

    def __init__(
        self, command: Sequence[str], *, seconds: float = SECONDS, tell: Callable[[str], None] = _tell
    ) -> None:
        self._command, self._seconds, self._tell = tuple(command), seconds, tell
        self._files: queue.Queue[Path | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.failed = 0
        self._thread.start()

    def run(self, path: Path) -> None:
        """Have it run on a file soon."""
        self._files.put(path)

    def close(self) -> None:
        """Wait until it has run on all files."""
        self._files.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (path := self._files.get()) is not None:
            wrong = self._wrong(path)
            if wrong:
                self.failed += 1
                self._tell(f"{self._command[0]} {path}: {wrong}")

    def _wrong(self, path: Path) -> str:
        """Run it on one file; return what went wrong, in one line, or nothing."""
        try:
            ended = subprocess.run(
                [*self._command, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"was ended after {self._seconds:g} s"
        except OSError as error:
            return error.strerror or str(error)
        said = " ".join(ended.stderr.decode(errors="replace").split())[-LONGEST_SAID:]
        return f"exit status {ended.returncode}{f': {said}' if said else ''}" if ended.returncode else ""
