"""The topics of the design."""

import re

from topics.definitions import (
    ALERT_STATE,
    DEAD_LETTERS,
    EXPORTER_TEMPLATES,
    FLOW_STATUS,
    FLOWS,
    NAMES,
    OBSERVATIONS,
    SCHEMAS,
    SEEN_BATCHES,
    TOPICS,
)


def test_every_topic_of_the_design_is_defined_once() -> None:
    names = [topic.name for topic in TOPICS]
    kinds = (
        "flow-status",
        "flows",
        "observations",
        "control",
        "events",
        "probes",
        "dns",
        "names",
        "spans",
        "alerts",
        "alert-state",
        "exporter-templates",
        "dead-letters",
        "schemas",
        "seen-batches",
    )
    assert names == [f"argosy.{kind}.v1" for kind in kinds]


def test_names_fit_kafka_and_carry_their_version() -> None:
    assert all(re.fullmatch(r"argosy\.[a-z-]+\.v\d+", topic.name) for topic in TOPICS)


def test_flows_leave_by_the_partition_their_status_records_came_in() -> None:
    assert FLOWS.partitions == FLOW_STATUS.partitions == OBSERVATIONS.partitions
    assert FLOWS.key == FLOW_STATUS.key == OBSERVATIONS.key


def test_only_what_is_latest_by_key_is_compacted() -> None:
    assert [topic for topic in TOPICS if topic.settings["cleanup.policy"] == "compact"] == [
        NAMES,
        ALERT_STATE,
        EXPORTER_TEMPLATES,
        SCHEMAS,
        SEEN_BATCHES,
    ]


def test_retention_is_given_to_kafka_in_milliseconds() -> None:
    assert DEAD_LETTERS.settings["retention.ms"] == str(28 * 24 * 3600 * 1000)
