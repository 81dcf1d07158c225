"""The server.properties of a one-node cluster: KRaft, loopback only, small enough for a laptop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    # As large as the system makes them: 100 KiB by default, so that a message of ours comes in many pieces.
    "socket.receive.buffer.bytes": "-1",
    "socket.send.buffer.bytes": "-1",
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
    # A start and a stop each wait for a heartbeat, which costs an idle node more than all else.
    "broker.heartbeat.interval.ms": "500",
    # An idle node need not write twice a second that nothing happened.
    "metadata.max.idle.interval.ms": "0",
    # After a kill the node may register again only when its own last session has expired: nine seconds by default.
    "broker.session.timeout.ms": "3000",
    # A quarter of the heap by default, taken at start.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


SASL_LISTENER, TLS_LISTENER = "SECURE", "MUTUAL"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER")
LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class NodeSecurity:
    """Two more listeners, with rights checked on all: SASL over TLS for `users`, and TLS with client certificates.

    `certificate` and `authority` are PEM files: the node's key and certificate, and who signs those of clients. Whoever
    uses the plain listener may do everything, and so may `administrator`.
    """

    certificate: Path
    authority: Path
    users: Mapping[str, str]
    administrator: str = "admin"

    def properties(self) -> dict[str, str]:
        """Return what the node has to be told."""
        plain = "".join(f' user_{name}="{password}"' for name, password in self.users.items())
        sasl = f"listener.name.{SASL_LISTENER.lower()}"
        tls = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificate),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
            f"listener.name.{TLS_LISTENER.lower()}.ssl.client.auth": "required",
        }
        logins = {
            f"{sasl}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
            f"{sasl}.scram-sha-256.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
            f"{sasl}.plain.sasl.jaas.config": f"{LOGIN}.plain.PlainLoginModule required{plain};",
            f"{sasl}.oauthbearer.sasl.jaas.config": f"{LOGIN}.oauthbearer.OAuthBearerLoginModule required;",
        }
        return {
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{self.administrator}",
            "listener.security.protocol.map": (
                f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{SASL_LISTENER}:SASL_SSL,{TLS_LISTENER}:SSL"
            ),
            **tls,
            **logins,
        }

    def scram_arguments(self) -> list[str]:
        """Return what makes the users known while the storage is formatted."""
        return [
            argument
            for name, password in self.users.items()
            for mechanism in MECHANISMS[:2]
            for argument in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]


def server_properties(data: Path, ports: Mapping[str, int], security: NodeSecurity | None = None) -> str:
    """Text of server.properties for a node that keeps its log under data and listens on 127.0.0.1 alone.

    `ports` are by listener: PLAINTEXT, CONTROLLER and, with security, SECURE and MUTUAL.
    """
    listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
    own = {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{ports['CONTROLLER']}",
        "log.dirs": str(data / "log"),
    }
    secured = security.properties() if security is not None else {}
    return "".join(f"{key}={value}\n" for key, value in (FIXED | own | secured).items())


def parse_properties(text: str) -> dict[str, str]:
    """Read back what server_properties wrote."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
