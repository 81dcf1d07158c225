"""The topics: what each carries, how it is cut into partitions and how long it stays."""

from __future__ import annotations

from dataclasses import dataclass

HOUR = 1
DAY = 24 * HOUR
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class TopicDefinition:
    """One topic: its name, what decides the partition, what a message is, and for how many hours it is kept.

    `more` are settings of Kafka that others do without.
    """

    name: str
    key: str
    message: str
    retention_hours: int
    partitions: int = 8
    compacted: bool = False
    more: tuple[tuple[str, str], ...] = ()

    @property
    def settings(self) -> dict[str, str]:
        """Return the topic settings of Kafka."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_hours * 3_600_000),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        } | dict(self.more)


MAX_MESSAGE_BYTES = 2 * 1024 * 1024
MESSAGE_BYTES = 896 * 1024  # of a full batch: just below what brokers take when nobody tells them otherwise
CONVERSATION = "addresses, ports and protocol, either way round"

FLOW_STATUS = TopicDefinition("argosy.flow-status.v1", CONVERSATION, "batch of status records", 3 * DAY)
FLOWS = TopicDefinition("argosy.flows.v1", CONVERSATION, "batch of merged flows", 7 * DAY)
OBSERVATIONS = TopicDefinition(
    "argosy.observations.v1", CONVERSATION, "batch of flows, those of one conversation matched", 7 * DAY
)
CONTROL = TopicDefinition("argosy.control.v1", CONVERSATION, "payloads of control-plane packets", 12 * HOUR)
EVENTS = TopicDefinition("argosy.events.v1", "probe", "event record", 7 * DAY, partitions=2)
PROBES = TopicDefinition("argosy.probes.v1", "probe", "status of a probe", 7 * DAY, partitions=2)
DNS = TopicDefinition("argosy.dns.v1", "client", "DNS transaction", 7 * DAY, partitions=4)
NAMES = TopicDefinition("argosy.names.v1", "address", "name of an address", 7 * DAY, partitions=4, compacted=True)
SPANS = TopicDefinition("argosy.spans.v1", "probe", "finding about a mirror port", 4 * WEEK, partitions=2)
ALERTS = TopicDefinition("argosy.alerts.v1", "rule and subject", "alert", 4 * WEEK, partitions=2)
ALERT_STATE = TopicDefinition(
    "argosy.alert-state.v1", "evaluator", "state of an evaluator of rules", 4 * WEEK, partitions=1, compacted=True
)
EXPORTER_TEMPLATES = TopicDefinition(
    "argosy.exporter-templates.v1", "exporter, domain, id", "template", 4 * WEEK, partitions=1, compacted=True
)
DEAD_LETTERS = TopicDefinition("argosy.dead-letters.v1", "source", "what could not be read", 4 * WEEK, partitions=1)
SCHEMAS = TopicDefinition(
    "argosy.schemas.v1", "fingerprint", "schema that messages name", 4 * WEEK, partitions=1, compacted=True
)
SEEN_BATCHES = TopicDefinition(
    "argosy.seen-batches.v1",
    "group, topic and partition",
    "batches that a worker has had",
    4 * WEEK,
    partitions=1,
    compacted=True,
    # Written every second where runs are many; what a group has committed names a message that must not go at once.
    more=(("segment.bytes", str(32 * 1024 * 1024)), ("min.compaction.lag.ms", str(HOUR * 3_600_000))),
)

TOPICS = (
    *(FLOW_STATUS, FLOWS, OBSERVATIONS, CONTROL, EVENTS, PROBES, DNS, NAMES, SPANS, ALERTS, ALERT_STATE),
    *(EXPORTER_TEMPLATES, DEAD_LETTERS, SCHEMAS, SEEN_BATCHES),
)
