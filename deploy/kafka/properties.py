"""The server.properties of a one-node cluster: KRaft, loopback only, small enough for a laptop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIXED = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # Topics are made on purpose, with the partitions and retention that their definition gives.
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(2 * 1024 * 1024),
    # One node: nothing to replicate to, and few partitions, since each costs files and start-up time.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # Consumers of a test should not wait three seconds for others to join.
    "group.initial.rebalance.delay.ms": "0",
    # Fault tests use sessions below the usual minimum of six seconds.
    "group.min.session.timeout.ms": "1000",
    # A start and a stop each wait for a heartbeat.
    "broker.heartbeat.interval.ms": "200",
    # After a kill the node may register again only when its own last session has expired: nine seconds by default.
    "broker.session.timeout.ms": "3000",
    # A quarter of the heap by default, taken at start.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """Text of server.properties for a node that keeps its log under data and listens on 127.0.0.1 alone."""
    listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"
    own = {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "log.dirs": str(data / "log"),
    }
    return "".join(f"{key}={value}\n" for key, value in (FIXED | own).items())


def parse_properties(text: str) -> dict[str, str]:
    """Read back what server_properties wrote."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
