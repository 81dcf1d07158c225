"""Two network namespaces joined by a cable (veth), for tests of live capture; they end with the process."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

CLONE_NEWNET = 0x40000000
DEADLINE = 60

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own: what runs in its threads sees its interfaces alone."""

    def __init__(self) -> None:
        self._entering = threading.Lock()
        self._descriptor = -1
        self._threads = ThreadPoolExecutor(8, initializer=self.enter)
        self.path: str = self.run(lambda: f"/proc/{os.getpid()}/fd/{self._descriptor}")

    def enter(self) -> None:
        """Move the calling thread there; the first one makes the namespace."""
        with self._entering:
            if self._descriptor >= 0:
                found = libc.setns(self._descriptor, CLONE_NEWNET)
            else:
                found = libc.unshare(CLONE_NEWNET)
                self._descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if found != 0:
            raise OSError(ctypes.get_errno(), "no network namespace")
        for name in ("all", "default"):  # or the kernel sends packets of its own
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")

    def submit(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Begin to run a function there."""
        return self._threads.submit(function, *args, **kwargs)

    def run(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Run a function there."""
        return self.submit(function, *args, **kwargs).result(DEADLINE)

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a process there."""
        return self.run(lambda: subprocess.Popen(command, text=True, **options))

    def ip(self, *words: str) -> None:
        """Run `ip` there."""
        self.run(lambda: subprocess.run(["ip", *words], check=True, capture_output=True))

    def close(self) -> None:
        """End it; its interfaces go with it."""
        self._threads.shutdown()
        os.close(self._descriptor)


class Wire:
    """Interface `near` in one namespace, `far` in the other; what is sent into `near` comes out of `far`."""

    def __init__(self) -> None:
        self.there = Namespace()
        self.here = Namespace()
        self.plug()

    def plug(self) -> None:
        """Make the cable, again after it was pulled."""
        self.there.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self.here.path)
        self.here.ip("link", "set", "far", "up", "mtu", "9000")
        self.there.ip(
            "link", "set", "near", "up", "mtu", "9000"
        )  # last: it sends, and until it has a carrier drops all
        self._sender = self.there.run(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sender.bind(("near", 0))

    def pull(self) -> None:
        """Take the cable away, with both interfaces."""
        self._sender.close()
        self.there.ip("link", "del", "near")

    def send(self, frames: Sequence[bytes]) -> None:
        """Send frames from `near` to `far`."""
        for frame in frames:
            self._sender.send(frame)

    def close(self) -> None:
        """Leave nothing behind."""
        self._sender.close()
        self.there.close()
        self.here.close()


@contextmanager
def joined() -> Iterator[Wire]:
    """Give a wire; skips where namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("capturing on interfaces needs root")
    if shutil.which("ip") is None:
        pytest.skip("apt-get install iproute2")
    try:
        wire = Wire()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    try:
        yield wire
    finally:
        wire.close()
