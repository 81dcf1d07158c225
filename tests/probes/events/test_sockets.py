"""Sockets of this process, by /proc, by lsof, and by what the kernel says of those that end."""

import os
import shutil
import socket
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
    assert "pytest" in str(row["command"])
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


def test_without_proc_it_fails_in_a_way_that_can_be_reported(tmp_path: Path) -> None:
    made = SocketWatch(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        made.look()
    made.close()
