"""Commands that go on until a signal ends them."""

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds, on a machine that has much else to do
CAUGHT = 1 << (signal.SIGTERM - 1)


@dataclass(frozen=True, slots=True)
class Started:
    """A command that runs."""

    process: subprocess.Popen[bytes]

    def listens(self) -> bool:
        """Whether it would hear SIGTERM rather than be killed by it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) & CAUGHT)

    def stop(self) -> int:
        """Wait until it hears SIGTERM, send that, and return its exit status."""
        end = time.monotonic() + PATIENCE
        try:
            while self.process.poll() is None and not self.listens() and time.monotonic() < end:
                time.sleep(0.05)
            self.process.terminate()
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()


def started(line: str) -> Started:
    """Start what a line of a shell says, without a shell: `argosy ...`."""
    command = [sys.executable, "-m", "clients.main", *shlex.split(line)[1:]]
    caches = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR") if name in os.environ}
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"} | caches
    return Started(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment))
