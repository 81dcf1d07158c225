"""Sockets of this process, by /proc, by lsof, and by what the kernel says of those that end."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.events.destroyed import DestroyEvents, parse
from probes.events.parsing import parser
from probes.events.processes import container_of
from probes.events.program import run_program
from probes.events.sockets import SocketWatch

Connection = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def connect(listener: socket.socket) -> Connection:
    client = socket.create_connection(listener.getsockname())
    return client, listener.accept()[0]


def mine(rows: list[dict[str, object]], port: int) -> list[dict[str, object]]:
    return [row for row in rows if row["local_port"] == port]


@pytest.fixture
def watch() -> Iterator[SocketWatch]:
    made = SocketWatch(commands=True)
    yield made
    made.close()


def test_each_socket_has_its_process(listener: socket.socket, watch: SocketWatch) -> None:
    client, server = connect(listener)
    rows = watch.look()["sockets"]
    port = client.getsockname()[1]
    (row,) = mine(rows, port)
    assert (row["pid"], row["uid"], row["state"]) == (os.getpid(), os.getuid(), "ESTABLISHED")
    assert row["remote_port"] == listener.getsockname()[1]
    own = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
    assert str(row["command"]) == own
    assert {each["state"] for each in mine(rows, listener.getsockname()[1])} == {"LISTEN", "ESTABLISHED"}
    client.close()
    server.close()


def test_lsof_says_the_same(listener: socket.socket, watch: SocketWatch) -> None:
    if shutil.which("lsof") is None:
        pytest.skip("no lsof: apt-get install lsof")
    client, server = connect(listener)
    answer = run_program(["lsof", "-nP", "-a", "-p", str(os.getpid()), "-i", "-F", "pcLuPnT"], timeout=60, most=1 << 20)
    told = parser("lsof")(answer.output.decode())["sockets"]
    port = client.getsockname()[1]
    (ours,), (theirs,) = mine(watch.look()["sockets"], port), mine(told, port)
    same = ("protocol", "local", "remote", "remote_port", "state", "pid", "uid", "user")
    assert [ours[name] for name in same] == [theirs[name] for name in same]
    client.close()
    server.close()


def test_the_end_of_a_connection_is_told_and_what_nobody_saw_is_counted(
    listener: socket.socket, watch: SocketWatch
) -> None:
    try:
        DestroyEvents().close()
    except OSError:
        pytest.skip("the kernel tells this user nothing of sockets that end: run as root")
    seen = connect(listener)
    watch.look()
    unseen = connect(listener)
    ports = [pair[0].getsockname()[1] for pair in (seen, unseen)]
    for pair in (seen, unseen):
        for end in pair:
            end.close()
    ended: dict[object, object] = {}
    deadline = time.monotonic() + 60
    unknown = 0
    while len(ended) < 2 and time.monotonic() < deadline:
        body = watch.look()
        unknown += body["unknown"]
        ended |= {
            r["local_port"]: r["pid"] for r in body["sockets"] if r["state"] == "DESTROYED" and r["local_port"] in ports
        }
    assert ended == {ports[0]: os.getpid(), ports[1]: 0}
    assert unknown >= 1


def test_damaged_reports_of_the_kernel_are_left_out() -> None:
    assert parse(b"") == parse(b"\xff" * 200) == parse(bytes(40)) == []


def test_containers_and_pods_are_known_by_their_control_groups() -> None:
    digits, pod = "0123456789abcdef" * 4, "11111111-2222-3333-4444-555555555555"
    assert container_of(f"0::/system.slice/docker-{digits}.scope\n") == (digits[:12], "")
    place = f"kubepods-burstable-pod{pod.replace('-', '_')}.slice/cri-containerd-{digits}.scope"
    assert container_of(f"0::/kubepods.slice/{place}\n") == (digits[:12], pod)
    assert container_of(f"4:memory:/kubepods/burstable/pod{pod}/{digits}\n") == (digits[:12], pod)
    assert container_of("0::/user.slice/session-1.scope\n") == ("", "")


DIGITS, POD = "0123456789abcdef" * 4, "11111111-2222-3333-4444-555555555555"
PLACE = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice/cri-containerd-{DIGITS}.scope"
CGROUPS = Path("/sys/fs/cgroup")
LISTEN = """
import encodings.idna, os, socket, sys
if len(sys.argv) > 1:
    os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def process_listening(*arguments: str) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-c", LISTEN, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.pid, int(process.stdout.readline())
    process.communicate()


@pytest.fixture
def listening() -> Iterator[tuple[int, int]]:
    """A process that listens, and its port."""
    with process_listening() as made:
        yield made


@pytest.fixture
def root(listening: tuple[int, int], tmp_path: Path) -> Iterator[Path]:
    """A /proc in which that process is in the control group of a container: really so where we may make one."""
    made: list[Path] = []
    try:
        for hierarchy in (CGROUPS, CGROUPS / "unified", CGROUPS / "pids", CGROUPS / "systemd"):
            if (hierarchy / "cgroup.procs").is_file():
                for part in (hierarchy / PLACE.partition("/")[0], hierarchy / PLACE):
                    part.mkdir()
                    made.insert(0, part)
                (hierarchy / PLACE / "cgroup.procs").write_text(str(listening[0]))
                break
    except OSError:
        pass
    real = Path("/proc")
    yield real if PLACE in (real / str(listening[0]) / "cgroup").read_text() else copied(real, listening[0], tmp_path)
    with contextlib.suppress(OSError):
        (made[0].parents[1] / "cgroup.procs").write_text(str(listening[0]))
    for part in made:
        part.rmdir()


def copied(real: Path, pid: int, to: Path) -> Path:
    """What of /proc tells of a process, with its control group as a container runtime would set it."""
    place = to / str(pid)
    (to / "net").mkdir()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        (to / "net" / table).write_text((real / "net" / table).read_text())
    (place / "fd").mkdir(parents=True)
    for name in ("comm", "status"):
        (place / name).write_text((real / str(pid) / name).read_text())
    for descriptor in (real / str(pid) / "fd").iterdir():
        (place / "fd" / descriptor.name).symlink_to(descriptor.readlink())
    (place / "cgroup").write_text(f"0::/kubepods.slice/{PLACE}\n")
    return to


@pytest.mark.parametrize("copy", [False, True])
def test_a_process_in_a_container_has_its_container_and_pod(
    listening: tuple[int, int], root: Path, tmp_path: Path, *, copy: bool
) -> None:
    place = tmp_path / "proc"
    place.mkdir()
    watch = SocketWatch(copied(Path("/proc"), listening[0], place) if copy else root)
    (row,) = mine(watch.look()["sockets"], listening[1])
    watch.close()
    assert (row["pid"], row["container"], row["pod"]) == (listening[0], DIGITS[:12], POD)


def test_a_process_that_became_another_user_is_of_that_user(watch: SocketWatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    with process_listening("65534") as (pid, port):
        (row,) = mine(watch.look()["sockets"], port)
    assert (row["pid"], row["uid"]) == (pid, 65534)


def test_without_proc_it_fails_in_a_way_that_can_be_reported(tmp_path: Path) -> None:
    made = SocketWatch(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        made.look()
    made.close()
