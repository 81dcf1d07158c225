"""What each role needs to be allowed on the brokers, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from topics.bus.administration import CREATE_SECONDS, admin_client, refused
from topics.definitions import (
    ALERT_STATE,
    ALERTS,
    CONTROL,
    DEAD_LETTERS,
    DNS,
    EVENTS,
    EXPORTER_TEMPLATES,
    FLOW_STATUS,
    FLOWS,
    NAMES,
    OBSERVATIONS,
    PROBES,
    SCHEMAS,
    SEEN_BATCHES,
    SPANS,
    TOPICS,
)
from topics.errors import BusError, UsageError

TRANSACTIONS = "argosy-"  # how ids of transactions begin
READ, WRITE, DESCRIBE = "READ", "WRITE", "DESCRIBE"
TOPIC, GROUP = "TOPIC", "GROUP"
WORKER_GROUP, OBSERVERS_GROUP = "argosy-merge", "argosy-observers"
UNATTACHED_GROUP = "argosy-unattached"  # of those who read topics without a group: the client asks for one
NAMES_GROUP, SINK_GROUPS = "argosy-names", "argosy-sink-"


@dataclass(frozen=True, slots=True)
class Right:
    """Operations on one topic, group or transactional id, or on all whose names begin with `name`."""

    kind: str
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


def _topics(names: tuple[str, ...], *operations: str) -> tuple[Right, ...]:
    return tuple(Right(TOPIC, name, (*operations, DESCRIBE)) for name in names)


ROLES: dict[str, tuple[Right, ...]] = {
    "probe": (
        *_topics((FLOW_STATUS.name, CONTROL.name, EVENTS.name, PROBES.name, DNS.name, SPANS.name), WRITE),
        *_topics((EXPORTER_TEMPLATES.name, SCHEMAS.name), READ, WRITE),
        Right(GROUP, UNATTACHED_GROUP, (DESCRIBE,)),
    ),
    "worker": (
        *_topics((FLOW_STATUS.name,), READ),
        *_topics((FLOWS.name, SCHEMAS.name, SEEN_BATCHES.name), READ, WRITE),
        *_topics((NAMES.name, EVENTS.name), READ),
        *_topics((CONTROL.name,)),
        *_topics((DEAD_LETTERS.name,), WRITE),
        Right(GROUP, WORKER_GROUP, (READ,)),
        Right(GROUP, NAMES_GROUP, (DESCRIBE,)),
        Right(GROUP, UNATTACHED_GROUP, (DESCRIBE,)),
    ),
    "observers": (
        *_topics((FLOWS.name,), READ),
        *_topics((OBSERVATIONS.name, SCHEMAS.name), READ, WRITE),
        *_topics((DEAD_LETTERS.name,), WRITE),
        Right(GROUP, OBSERVERS_GROUP, (READ,)),
    ),
    "names": (
        *_topics((CONTROL.name,), READ),
        *_topics((SCHEMAS.name, NAMES.name), READ, WRITE),
        *_topics((DNS.name, DEAD_LETTERS.name), WRITE),
        Right(GROUP, NAMES_GROUP, (READ,)),
        Right(GROUP, UNATTACHED_GROUP, (DESCRIBE,)),
        Right("TRANSACTIONAL_ID", TRANSACTIONS, (WRITE, DESCRIBE), prefixed=True),
    ),
    "alerts": (
        *_topics((FLOW_STATUS.name, PROBES.name, DNS.name, NAMES.name, SPANS.name), READ),
        *_topics((SCHEMAS.name, ALERT_STATE.name), READ, WRITE),
        *_topics((ALERTS.name, DEAD_LETTERS.name), WRITE),
        Right(GROUP, UNATTACHED_GROUP, (DESCRIBE,)),
        Right("TRANSACTIONAL_ID", TRANSACTIONS, (WRITE, DESCRIBE), prefixed=True),
    ),
    "sink": (
        *_topics((FLOWS.name, EVENTS.name, DNS.name, SPANS.name, ALERTS.name, SCHEMAS.name), READ),
        *_topics((DEAD_LETTERS.name,), WRITE),
        Right(GROUP, SINK_GROUPS, (READ,), prefixed=True),
    ),
    "reader": (
        *_topics(tuple(topic.name for topic in TOPICS), READ),
        Right(GROUP, "argosy-", (DESCRIBE,), prefixed=True),
    ),
    "admin": (
        Right(TOPIC, "argosy.", ("CREATE", "ALTER", "DELETE", DESCRIBE, "DESCRIBE_CONFIGS"), prefixed=True),
        Right(GROUP, "argosy-", ("DELETE", DESCRIBE), prefixed=True),
    ),
}


def lines(role: str) -> list[str]:
    """Return the rights of a role, a line each."""
    return [
        f"{', '.join(right.operations)} on {right.kind.lower()} {right.name}{'*' * right.prefixed}"
        for right in ROLES[role]
    ]


def grant(url: str, role: str, principal: str, host: str = "*") -> None:
    """Allow a principal (`User:NAME`) what its role needs; raises BusError, and UsageError for no principal."""
    if not principal.startswith("User:") or principal == "User:":
        raise UsageError(f"'{principal}' is no principal: write User:NAME")
    bindings = [
        AclBinding(
            ResourceType[right.kind],
            right.name,
            ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
            principal,
            host,
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for right in ROLES[role]
        for operation in right.operations
    ]
    client = admin_client(url)
    try:
        for made in client.create_acls(bindings, request_timeout=CREATE_SECONDS).values():
            made.result(CREATE_SECONDS)
    except KafkaException as error:
        raise BusError(f"{url}: rights of {principal}: {refused(error.args[0])}") from None
