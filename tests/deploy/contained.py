"""Roots of stages, and programs in them, without a container engine: overlays, namespaces, chroot. Wants root."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOK_SECONDS = 0.01
DEVICES = ("null", "zero", "full", "random", "urandom")
NAMES = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
# How this machine reaches registries: the builder's own business, as its proxies are, and nothing of the image.
NETWORK = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "NPM_CONFIG_REGISTRY",
    "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
)  # fmt: skip
USER = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")


@dataclass(slots=True)
class Root:
    """The root of a stage: a base that stays as it is, and a layer of what the steps have changed."""

    base: Path
    directory: Path
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"

    def __post_init__(self) -> None:
        for name in ("layer", "work", "seen"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)

    @property
    def layer(self) -> Path:
        """What the steps have changed."""
        return self.directory / "layer"

    @property
    def seen(self) -> Path:
        """Where base and layer appear as one, inside the namespace of a command."""
        return self.directory / "seen"

    def writable(self) -> str:
        """Shell command that puts it together so that changes go to the layer."""
        return _mount(
            "overlay",
            "overlay",
            self.seen,
            f"lowerdir={self.base},upperdir={self.layer},workdir={self.directory / 'work'}",
        )

    def read_only(self) -> str:
        """Shell command that puts it together so that nothing can be changed."""
        return _mount("overlay", "overlay", self.seen, f"ro,lowerdir={self.layer}:{self.base}")

    def run(self, command: str) -> None:
        """RUN: a command of the shell as root, with the network of this machine."""
        binds = (_bind(name, self.seen) for name in NAMES if Path(name).exists())
        passed = {name: os.environ[name] for name in NETWORK if name in os.environ} | self.variables
        parts = [
            self.writable(),
            *self._kernel(),
            *binds,
            f"exec chroot {self.seen} {_as_is(passed, self.workdir)} /bin/sh -c {shlex.quote(command)}",
        ]
        self._namespace(parts)

    def copy(self, source: Path, names: Iterable[str], target: str, origin: Root | None = None) -> None:
        """COPY: what lies below `source`, or in another stage; of directories what is in them, as the builder does."""
        place = self.seen / str(Path(self.workdir, target)).lstrip("/")
        parts = [self.writable(), *([origin.read_only()] if origin else [])]
        for name in names:
            path = (origin.seen if origin else source) / name.lstrip("/")
            inner = shlex.quote(str(path))
            into = f"mkdir -p {place} && cp -a --no-preserve=ownership {inner}/. {place}/"
            parent = place if target.endswith("/") else place.parent
            onto = f"mkdir -p {parent} && cp -a --no-preserve=ownership {inner} {place}"
            parts.append(f"if [ -d {inner} ]; then {into}; else {onto}; fi")
        self._namespace(parts)

    def flatten(self, target: Path) -> None:
        """Copy base and layer, as one, to a place outside."""
        self._namespace([self.read_only(), shlex.join(["cp", "-a", str(self.seen), str(target)])])

    def _kernel(self) -> list[str]:
        return [_mount("proc", "proc", self.seen / "proc", ""), *_devices(self.seen)]

    def _namespace(self, parts: list[str]) -> None:
        script = "set -e\n" + "\n".join(parts)
        subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], check=True)


@dataclass
class Container:
    """A program in a root that cannot be written, as a user without rights, with loopback for a network.

    `volumes` are the directories that may be written, beside /tmp, as tmpfs.
    """

    root: Root
    user: str
    command: list[str]
    volumes: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    def __enter__(self) -> Self:
        self._variables = dict(self.root.variables) | dict(self.variables)
        output = self.log.open("wb") if self.log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            self._words(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def inside(self) -> int:
        """Return the process id of the program itself, as soon as there is one; raises RuntimeError if it has ended."""
        place = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while self.process.poll() is None:
            if children := place.read_text().split():
                return int(children[0])
            time.sleep(LOOK_SECONDS)
        raise RuntimeError(f"{shlex.join(self.command)}: ended with {self.process.returncode}")

    def execute(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run another program beside it, as `docker exec` and health checks do."""
        enter = ["nsenter", f"--target={self.inside()}", "--mount", "--net", "--pid", "--root"]
        return subprocess.run([*enter, *self._as_user(command)], capture_output=True, text=True, check=False)

    def stop(self, seconds: float = 60.0) -> int:
        """End it in order; return its exit status."""
        os.kill(self.inside(), signal.SIGTERM)
        return self.process.wait(seconds)

    def _words(self) -> list[str]:
        seen, number = self.root.seen, self.user.partition(":")[0]
        owner = f"uid={number},gid={number},mode=0750"
        parts = [
            "set -e",
            "ip link set lo up",
            self.root.read_only(),
            _mount("proc", "proc", seen / "proc", ""),
            *_devices(seen),
            _mount("tmpfs", "tmpfs", seen / "tmp", "size=64m,mode=1777"),
            *(_mount("tmpfs", "tmpfs", Path(f"{seen}{place}"), owner) for place in self.volumes),
            f"exec chroot {seen} {shlex.join(self._as_user(self.command))}",
        ]
        return ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(parts)]

    def _as_user(self, command: list[str]) -> list[str]:
        user, _, group = self.user.partition(":")
        rights = ["setpriv", f"--reuid={user}", f"--regid={group or user}", *USER]
        return [*rights, *shlex.split(_as_is(self._variables, self.root.workdir)), *command]


def _as_is(variables: Mapping[str, str], workdir: str) -> str:
    return shlex.join(["env", "-i", f"--chdir={workdir}", *(f"{name}={value}" for name, value in variables.items())])


def _mount(kind: str, source: str, place: Path, options: str) -> str:
    return shlex.join(["mount", "-t", kind, *(["-o", options] if options else []), source, str(place)])


def _bind(name: str, seen: Path) -> str:
    """Put a file of this machine in the place of the root's, which is left as it was, but for being there."""
    return f"[ -e {seen}{name} ] || touch {seen}{name}; mount --bind {name} {seen}{name}"


def _devices(seen: Path) -> list[str]:
    made = [f"touch {seen}/dev/{name}; mount --bind /dev/{name} {seen}/dev/{name}" for name in DEVICES]
    memory = seen / "dev" / "shm"
    shared = _mount("tmpfs", "tmpfs", memory, "size=64m,mode=1777")
    return [_mount("tmpfs", "tmpfs", seen / "dev", "mode=0755"), *made, f"mkdir {memory}", shared]
